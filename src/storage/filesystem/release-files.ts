// Published releases as directories `releases/<number>-<commit>/`, read as they lie there at each look.

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError, errnoOf, isMissing, messageOf } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { type Release, releaseSchema } from '../../protocol/release.ts';
import { BUNDLE_SUFFIX, DESCRIPTION_SUFFIX, isDescriptionName, releaseFileStem } from '../../protocol/release-files.ts';
import { keyOf, type ReleaseKey, type ReleasesReader } from '../releases.ts';

export const RELEASES_DIRECTORY = 'releases';

const RELEASE_DIRECTORY_NAME = /^[1-9]\d*-[0-9a-f]{40,64}$/;
const READ_BYTES = 256 * 1024;

export class ReleaseFiles implements ReleasesReader {
  readonly #directory: string;
  readonly #logger: Logger | undefined;

  /** `root`: the store's. `logger` is told of descriptions that are none. */
  constructor(root: string, logger?: Logger) {
    this.#directory = join(root, RELEASES_DIRECTORY);
    this.#logger = logger;
  }

  async list(): Promise<Release[]> {
    const names = (await namesIn(this.#directory)).filter((name) => RELEASE_DIRECTORY_NAME.test(name));
    const releases: Release[] = [];
    for (const name of names) {
      const directory = join(this.#directory, name);
      for (const file of (await namesIn(directory)).filter(isDescriptionName)) {
        const release = await this.#readDescription(join(directory, file));
        // A copy of another's, or one that was renamed by hand, would give a host what it did not ask for.
        if (release && directoryName(keyOf(release)) === name && releaseFileStem(release) + DESCRIPTION_SUFFIX === file)
          releases.push(release);
      }
    }
    return releases.sort(
      (one, other) => one.release_number - other.release_number || (one.platform < other.platform ? -1 : 1),
    );
  }

  async bundleBytes(key: ReleaseKey): Promise<number | undefined> {
    try {
      return (await stat(this.#bundlePath(key))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async readBundle(key: ReleaseKey, range?: { start: number; end: number }): Promise<Readable> {
    const path = this.#bundlePath(key);
    try {
      const stream = createReadStream(path, { highWaterMark: READ_BYTES, ...range });
      await once(stream, 'open');
      return stream;
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new AppError('blob-missing', `the release bundle ${path} is not there`, { cause: error });
    }
  }

  #bundlePath(key: ReleaseKey): string {
    return join(this.#directory, directoryName(key), releaseFileStem(key) + BUNDLE_SUFFIX);
  }

  async #readDescription(path: string): Promise<Release | undefined> {
    try {
      return releaseSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      this.#logger?.warn({ path, reason: messageOf(error) }, 'a release has no description that can be read');
      return undefined;
    }
  }
}

export function directoryName({ number, commit }: Pick<ReleaseKey, 'number' | 'commit'>): string {
  return `${number}-${commit}`;
}

/** None where there is no directory. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
