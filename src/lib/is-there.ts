// Whether a name is taken, by whatever: a link counts itself, not what it leads to.

import { lstat } from 'node:fs/promises';
import { isMissing } from './app-error.ts';

/** Throws what keeps it from being looked up: only ENOENT means that nothing is there. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
