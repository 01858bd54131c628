// Whether a name is taken, and by what: a link counts itself, not what it leads to.

import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { isMissing } from './app-error.ts';

export async function isThere(path: string): Promise<boolean> {
  return (await lstatIfThere(path)) !== undefined;
}

/** Throws what keeps it from being looked up: only ENOENT means that nothing is there. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
