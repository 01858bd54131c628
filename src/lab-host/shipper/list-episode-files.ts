// What an episode directory holds, in the order in which it is packed: meta.json first, then by path. Looks, changes nothing.

import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { META_FILE, RESERVED_FILES } from '../../protocol/episode-meta.ts';

export interface EpisodeFile {
  /** Relative to the episode, with `/` between the parts. */
  path: string;
  kind: 'file' | 'symlink' | 'directory';
  stats: Stats;
}

/** How the source looked: a tarball packed from another state of it is not sent. */
export interface SourceState {
  files: number;
  bytes: number;
  newest_change_ms: number;
}

/** Throws `episode-unreadable` for what cannot be read, `episode-malformed` for what no tarball can carry. */
export async function listEpisodeFiles(directory: string): Promise<EpisodeFile[]> {
  const files: EpisodeFile[] = [];
  await walk(directory, '', files);
  return files.sort(byPackingOrder);
}

export function sourceState(files: readonly EpisodeFile[]): SourceState {
  const regular = files.filter(({ kind }) => kind === 'file');
  return {
    files: files.length,
    bytes: regular.reduce((sum, { stats }) => sum + stats.size, 0),
    newest_change_ms: Math.max(0, ...regular.map(({ stats }) => Math.floor(stats.mtimeMs))),
  };
}

// Looked at in one turn of the event loop: an episode may have 100,000 files.
const FILES_A_TURN = 256;

async function walk(root: string, prefix: string, found: EpisodeFile[]): Promise<void> {
  for (const name of readNames(join(root, prefix))) {
    const path = `${prefix}${name}`;
    if (RESERVED_FILES.includes(path)) continue;
    const stats = readable(path, () => lstatSync(join(root, path)));
    if (found.length % FILES_A_TURN === FILES_A_TURN - 1) await nextTurn();
    if (stats.isDirectory()) {
      found.push({ path, kind: 'directory', stats });
      await walk(root, `${path}/`, found);
    } else if (stats.isFile()) found.push({ path, kind: 'file', stats });
    else if (stats.isSymbolicLink()) found.push({ path, kind: 'symlink', stats });
    else
      throw new AppError(
        'episode-malformed',
        `${JSON.stringify(path)} is a socket, pipe or device; a tarball cannot carry it`,
      );
  }
}

function readNames(directory: string): string[] {
  const names = readable(directory, () => readdirSync(directory, { encoding: 'buffer' }));
  return names.map((name) => {
    const text = name.toString('utf8');
    if (text.includes('\\')) {
      throw new AppError(
        'episode-malformed',
        `${JSON.stringify(text)} has a backslash, which tarballs read as a directory`,
      );
    }
    if (isUtf8(name)) return text;
    throw new AppError(
      'episode-malformed',
      `${directory} has a file whose name is not UTF-8: ${JSON.stringify(name.toString('latin1'))}`,
    );
  });
}

/** What `look` finds, with its failure told as `asUnreadable` does. */
export function readable<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw asUnreadable(path, error);
  }
}

/** Errors of this episode's own files, told apart from a machine that is out of descriptors or memory. */
export function asUnreadable(path: string, error: unknown): unknown {
  if (
    !['ENOENT', 'EACCES', 'EPERM', 'EIO', 'ELOOP', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')
  )
    return error;
  return new AppError('episode-unreadable', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
}

function byPackingOrder(a: EpisodeFile, b: EpisodeFile): number {
  if (a.path === META_FILE || b.path === META_FILE) return a.path === META_FILE ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}
