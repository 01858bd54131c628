// The episodes of a place: the names of its directories, none where the place itself is not there yet.

import { readdir } from 'node:fs/promises';
import { isMissing } from '../../lib/app-error.ts';

/** Throws the system's error for anything but a missing place. */
export async function directoriesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
