// Releases on their way in. Durable order: bundles and descriptions written in a directory that no reader looks at → each fsynced → the
// directory fsynced → renamed to its name → `releases/` fsynced. To a release that is there already: its bundle first, then its description.

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile } from '../../lib/durable-file.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import { isThere } from '../../lib/is-there.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import type { Release } from '../../protocol/release.ts';
import { BUNDLE_SUFFIX, DESCRIPTION_SUFFIX, releaseFileStem } from '../../protocol/release-files.ts';
import { type BundleToStage, keyOf, type Releases, type StagedRelease } from '../releases.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import { directoryName, RELEASES_DIRECTORY, ReleaseFiles } from './release-files.ts';

const STAGED_PREFIX = '.staged-';

export class FilesystemReleases extends ReleaseFiles implements Releases {
  readonly #root: string;

  constructor(...[root, logger]: ConstructorParameters<typeof ReleaseFiles>) {
    super(root, logger);
    this.#root = root;
  }

  async stage(bundles: readonly BundleToStage[]): Promise<StagedRelease> {
    const directory = join(this.#root, RELEASES_DIRECTORY);
    await makeDirectory(directory);
    await fsyncDirectory(this.#root);
    const lock = acquireExclusiveLock(directory, 'publish');
    const staged = join(directory, `${STAGED_PREFIX}${randomBytes(4).toString('hex')}`);
    let ended = false;
    const discard = async () => {
      if (ended) return;
      ended = true;
      await rm(staged, { recursive: true, force: true });
      lock.release();
    };
    try {
      await removeLeftOvers(directory);
      await mkdir(staged);
      for (const { release, content } of bundles) {
        const stem = join(staged, releaseFileStem(release));
        if (content) await writeBundle(stem + BUNDLE_SUFFIX, release, content);
        await writeSynced(stem + DESCRIPTION_SUFFIX, [Buffer.from(toJsonFile(release))]);
      }
      await syncDirectory(staged);
    } catch (error) {
      await discard();
      throw error;
    }
    return {
      publish: async () => {
        try {
          for (const { release } of bundles) await moveIn(directory, staged, release);
        } finally {
          await discard();
        }
      },
      discard,
    };
  }
}

async function moveIn(directory: string, staged: string, release: Release): Promise<void> {
  const target = join(directory, directoryName(keyOf(release)));
  const stem = releaseFileStem(release);
  // Already there when the whole directory was moved for an earlier platform.
  if (!(await isThere(join(staged, stem + DESCRIPTION_SUFFIX)))) return;
  if (!(await isThere(target))) {
    await rename(staged, target);
    return await syncDirectory(directory);
  }
  for (const suffix of [BUNDLE_SUFFIX, DESCRIPTION_SUFFIX]) {
    if (!(await isThere(join(staged, stem + suffix)))) continue;
    await rename(join(staged, stem + suffix), join(target, stem + suffix));
    await syncDirectory(target);
  }
}

async function writeBundle(path: string, release: Release, content: AsyncIterable<Uint8Array>): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await writeSynced(path, hashed());
  const sha256 = hash.digest('hex');
  if (sha256 === release.sha256 && sizeBytes === release.bytes) return;
  throw new AppError(
    'bad-input',
    `the bundle for ${release.platform} is not what its description says: ${sizeBytes} bytes with SHA-256 ${sha256}`,
    { hint: 'copy the files once more from where they were built; there: cis490 release verify' },
  );

  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const piece of content) {
      hash.update(piece);
      sizeBytes += piece.byteLength;
      yield piece;
    }
  }
}

async function writeSynced(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  // Read-only from the start: what is published never changes.
  const handle = await open(path, 'wx', 0o444);
  try {
    for await (const piece of content) await handle.writeFile(piece);
    await handle.sync().catch((error: unknown) => {
      throw syncFailed(path, error);
    });
  } catch (error) {
    if (isNoRoom(error)) throw diskFull(path, error);
    throw error;
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  await fsyncDirectory(path).catch((error: unknown) => {
    throw syncFailed(path, error);
  });
}

/** Of a publisher that was killed: whoever has the lock is the only one. */
async function removeLeftOvers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(STAGED_PREFIX)) await rm(join(directory, name), { recursive: true, force: true });
  }
}
