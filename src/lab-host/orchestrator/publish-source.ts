// What `cis490 publish` looks at before it touches anything: the directory, its meta.json, and whether the id is free.

import { lstat, readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { AppError, isMissing } from '../../lib/app-error.ts';
import { MAX_META_BYTES, META_FILE } from '../../protocol/episode-meta.ts';
import { parseRecorderMeta } from './complete-meta.ts';
import { findEpisode } from './find-episode.ts';

/** Throws `bad-input` for what is no directory, and for what is the data's own already. */
export async function sourceOf(directory: string, dataDir: string): Promise<string> {
  const source = await realpath(directory).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new AppError('bad-input', `there is no ${directory}`, { cause: error });
  });
  if (!(await lstat(source)).isDirectory()) throw new AppError('bad-input', `${directory} is not a directory`);
  const data = await realpath(dataDir).catch((error: unknown) => {
    if (isMissing(error)) return dataDir;
    throw error;
  });
  const isInside = (path: string, parent: string) => `${path}${sep}`.startsWith(`${parent}${sep}`);
  const isSetAside =
    source !== join(data, 'recording/abandoned') && isInside(source, join(data, 'recording/abandoned'));
  if ((isInside(source, data) && !isSetAside) || isInside(data, source)) {
    throw new AppError('bad-input', `${directory} belongs to the data directory ${dataDir} already`, {
      hint: `publish a directory from elsewhere, or one of ${join(dataDir, 'recording/abandoned')}`,
    });
  }
  return source;
}

export async function readRecorderMeta(source: string): Promise<Record<string, unknown> | undefined> {
  const path = join(source, META_FILE);
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || stats.size > MAX_META_BYTES) return undefined;
    return parseRecorderMeta(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** An id is used once, also after its episode has gone on to where the shipper keeps it. */
export async function refuseTaken(dataDir: string, episodeId: string): Promise<void> {
  const path = await findEpisode(dataDir, episodeId);
  if (path === undefined) return;
  throw new AppError('episode-exists', `${path} already exists and is not overwritten`, {
    hint: 'if it is this recording, handed over before, remove the directory; otherwise name another id with --id',
  });
}
