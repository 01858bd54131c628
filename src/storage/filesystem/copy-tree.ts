// A file or a directory beside which others go on writing, copied name by name: each file whole at any moment, links after all that they
// may lead to. What has the same size and time of change is taken as copied, and what a killed copy left half is removed.

import { randomBytes } from 'node:crypto';
import { copyFile, lstat, mkdir, readdir, readlink, rename, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing, isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, fsyncPath } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { diskFull } from './disk-errors.ts';

// The lock of the backup begins as these do.
const TEMPORARY = /^\.backup\.[0-9a-f]{8}\.tmp$/;

/** Owner apart, as `from` is; what is not there is not copied. Throws `disk-full`. */
export async function copyTree(from: string, to: string): Promise<void> {
  try {
    await removeLeftOvers(dirname(to));
    await copyEntry(from, to);
  } catch (error) {
    if (isNoRoom(error)) throw diskFull(to, error);
    throw error;
  }
}

async function copyEntry(from: string, to: string): Promise<void> {
  const found = await lookAt(from);
  if (found?.isDirectory()) await copyDirectory(from, to, found.mode);
  else if (found?.isFile()) await copyOne(from, to);
}

async function copyDirectory(from: string, to: string, mode: number): Promise<void> {
  await mkdir(to, { mode: mode & 0o777 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  await removeLeftOvers(to);
  // What begins with a dot is being written, or a lock.
  const entries = (await readdir(from, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  // Read before the rest is copied, so that what they lead to is copied after they led there.
  const links: [name: string, target: string][] = [];
  for (const entry of entries) {
    if (entry.isSymbolicLink()) links.push([entry.name, await readlink(join(from, entry.name))]);
  }
  // Backwards by name: the bundle of a release (.tar.zst) is there before the description (.json) by which it is seen.
  const names = entries.map(({ name }) => name).sort();
  for (const name of names.toReversed()) await copyEntry(join(from, name), join(to, name));
  for (const [name, target] of links) await makeLink(target, join(to, name));
  await fsyncDirectory(to);
}

async function copyOne(from: string, to: string): Promise<void> {
  const [source, target] = [await lookAt(from), await lookAt(to)];
  if (!source || (target?.size === source.size && target.mtimeMs === source.mtimeMs)) return;
  const temporary = temporaryBeside(to);
  try {
    await copyFile(from, temporary);
    await fsyncPath(temporary);
    // Of the time before it was read: what was written meanwhile is copied the next time.
    await utimes(temporary, source.atime, source.mtime);
    await rename(temporary, to);
  } catch (error) {
    await removeFile(temporary);
    // It was taken away or replaced meanwhile.
    if (!isMissing(error)) throw error;
  }
  await fsyncDirectory(dirname(to));
}

async function makeLink(target: string, path: string): Promise<void> {
  const temporary = temporaryBeside(path);
  await symlink(target, temporary);
  await rename(temporary, path);
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.backup.${randomBytes(4).toString('hex')}.tmp`);
}

/** Whoever copies is the only one here. */
async function removeLeftOvers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (TEMPORARY.test(name)) await removeFile(join(directory, name));
  }
}

async function lookAt(path: string) {
  return await lstat(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    return undefined;
  });
}
