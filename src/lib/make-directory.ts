// Directories that a program needs, made with all that leads to them, or a message that a person can act on.

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, errnoOf, messageOf } from './app-error.ts';

/**
 * Like `mkdir -p`. Not Node's own recursive form: that one never ends where mkdir(2) says ENOENT in a parent that is there (/proc).
 * Throws `cannot-make-directory`.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeWithParents(path);
  } catch (error) {
    throw new AppError('cannot-make-directory', `the directory ${path} cannot be made: ${messageOf(error)}`, {
      hint: `look at what is there, and who may write: ls -ld ${dirname(path)}; findmnt -T ${dirname(path)}`,
      cause: error,
    });
  }
}

async function makeWithParents(path: string): Promise<void> {
  if ((await tryToMake(path)) || path === dirname(path)) return;
  await makeWithParents(dirname(path));
  if (!(await tryToMake(path))) await mkdir(path);
}

/** False when its parent is missing. */
async function tryToMake(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return true;
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
