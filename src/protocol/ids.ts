// Names of hosts and episodes. They become file names on both ends, so the pattern is the whole defence: no slash, no
// leading dot, nothing that a shell, URL or terminal would read as anything but a name.

import { z } from 'zod';

export const HOST_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const EPISODE_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const hostIdSchema = z
  .string()
  .regex(HOST_ID_PATTERN, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit');

export const EPISODE_SUFFIX = '.tar.zst';

export function isHostId(text: string): boolean {
  return HOST_ID_PATTERN.test(text);
}

export function isEpisodeId(text: string): boolean {
  return EPISODE_ID_PATTERN.test(text);
}

/** The request target under which an episode is put, read and named in the access log. */
export function episodeTarget(hostId: string, episodeId: string): string {
  return `/v1/episodes/${hostId}/${episodeId}${EPISODE_SUFFIX}`;
}
