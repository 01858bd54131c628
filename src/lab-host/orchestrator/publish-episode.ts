// Hands a finished recording over to the shipper: after a power cut `episodes/` holds it whole and durable, or not at all.

import { lstat, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile } from '../../lib/durable-file.ts';
import { isThere } from '../../lib/is-there.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { type EpisodeMeta, META_FILE, RESERVED_FILES } from '../../protocol/episode-meta.ts';
import { syncRecordedFiles } from './sync-recorded-files.ts';

const META_TEMPORARY = '.cis490-meta.tmp';

export type PublishStep = 'files-synced' | 'meta-synced' | 'directory-synced' | 'renamed' | 'parents-synced';

export interface PublishRequest {
  /** `recording/<id>`; on the same filesystem as `episodesDirectory`. Nothing may write there any more. */
  recordedDirectory: string;
  episodesDirectory: string;
  /** All of meta.json but `files`, which is found here: an `EpisodeMeta`, or what another recorder knows. `episode_id` is the name that is published. */
  meta: { episode_id: string };
  /** A meta.json that is there already is in `meta`, and is replaced; otherwise it is the workload's own file, and set aside. */
  replaceMeta?: boolean;
  afterStep: AfterStep<PublishStep>;
}

export interface Published {
  files: number;
  /** Sum over the listed files; without meta.json. */
  bytes: number;
  /** Entries that are in the episode but, being no regular files with UTF-8 names, not in `files` of meta.json. */
  unlisted: number;
}

/**
 * Order: hash and fsync every file and directory → write meta.json and fsync it → fsync the episode's directory → rename →
 * fsync `episodes/` and `recording/`. The name appears last, so whoever sees it sees durable content.
 *
 * Throws `episode-exists` when the name is taken (nothing is overwritten), `not-a-directory`, or the system's error. Until
 * the rename the recording stays where it was.
 */
export async function publishEpisode(request: PublishRequest): Promise<Published> {
  const { recordedDirectory, episodesDirectory, meta, afterStep } = request;
  const target = join(episodesDirectory, meta.episode_id);
  if (!(await lstat(recordedDirectory)).isDirectory()) {
    throw new AppError('not-a-directory', `${recordedDirectory} is not a directory, so it cannot be published`);
  }
  await setReservedNamesAside(recordedDirectory, request.replaceMeta ? RESERVED_FILES : [META_FILE, ...RESERVED_FILES]);
  const temporaryPath = join(recordedDirectory, META_TEMPORARY);
  await removeFile(temporaryPath);

  const { files: found, unlisted } = await syncRecordedFiles(recordedDirectory);
  const files = found.filter(({ path }) => path !== META_FILE);
  afterStep('files-synced');
  await writeMeta(temporaryPath, { ...meta, files });
  await rename(temporaryPath, join(recordedDirectory, META_FILE));
  afterStep('meta-synced');
  await fsyncDirectory(recordedDirectory);
  afterStep('directory-synced');
  await renameWithoutOverwriting(recordedDirectory, target);
  afterStep('renamed');
  await fsyncDirectory(episodesDirectory);
  await fsyncFormerParent(dirname(recordedDirectory));
  afterStep('parents-synced');

  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { files: files.length, bytes, unlisted };
}

/** What a workload wrote under a name of ours is kept under another: a receipt of its own would retire the episode unsent. */
async function setReservedNamesAside(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(directory, name);
    if (!(await isThere(path))) continue;
    let aside = join(directory, `recorded-${name}`);
    for (let n = 2; await isThere(aside); n += 1) aside = join(directory, `recorded-${name}.${n}`);
    await rename(path, aside);
  }
}

/** Renamed into place, because another recorder's meta.json may lie there, and a kill must leave that or this. */
async function writeMeta(path: string, meta: { files: EpisodeMeta['files'] }): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(toJsonFile(meta));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** rename(2) puts a directory over an empty one without a word, and Node has no RENAME_NOREPLACE: so look first. */
async function renameWithoutOverwriting(from: string, to: string): Promise<void> {
  if (await isThere(to)) throw episodeExists(to);
  try {
    await rename(from, to);
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw episodeExists(to, error);
    throw error;
  }
}

/** A directory that may be written and not read cannot be fsynced; what came in from it is durable by the other one. */
async function fsyncFormerParent(path: string): Promise<void> {
  try {
    await fsyncDirectory(path);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
  }
}

function episodeExists(path: string, cause?: unknown): AppError {
  return new AppError('episode-exists', `${path} already exists and is not overwritten`, {
    hint: 'publish under another episode id',
    cause,
  });
}
