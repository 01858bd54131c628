// A file that may be missing: only ENOENT means that it is.

import { readFile } from 'node:fs/promises';
import { isMissing } from './app-error.ts';

/** The text, or undefined when there is no such file. Throws the system's error for anything else. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
