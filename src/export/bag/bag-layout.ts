// Where things lie in a bag (RFC 8493). Below data/ it is as in a store, so that a row's `path` leads to its file in both.

import { join } from 'node:path';
import { EPISODE_SUFFIX } from '../../protocol/ids.ts';
import type { EpisodeKey } from '../episode-source.ts';

/** Not of the bag: what is being written. On the same filesystem, so that a rename puts it in place. */
export const PARTIAL_DIRECTORY = '.partial';
export const EPISODES = 'data/episodes';
export const INDEX = 'data/index.jsonl';
export const DECLARATION = 'bagit.txt';
export const INFO = 'bag-info.txt';
export const MANIFEST = 'manifest-sha256.txt';
export const TAG_MANIFEST = 'tagmanifest-sha256.txt';
// Not in the alphabet of ids, so that a name leads back to its episode.
export const SEPARATOR = '~';

/** From the top of the bag, with slashes, as a manifest names it. */
export function episodePath({ hostId, episodeId }: EpisodeKey): string {
  return `${EPISODES}/${hostId}/${episodeId}${EPISODE_SUFFIX}`;
}

export function partialPath(directory: string, { hostId, episodeId }: EpisodeKey): string {
  return partialFile(directory, `${hostId}${SEPARATOR}${episodeId}`);
}

export function partialFile(directory: string, name: string): string {
  return join(directory, PARTIAL_DIRECTORY, name);
}
