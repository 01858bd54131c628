// How large a directory's files are, for the sums that people see: bounded work, and never a failure.

import { type Dirent, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { lookAt } from './quick-files.ts';

// The first scan after a start looks at every episode that waits.
const MOST_ENTRIES = 1_000;

/** Of its first thousand entries. Follows no link; what cannot be looked at counts nothing. */
export function bytesOnDisk(root: string): number {
  const directories = [root];
  let entriesLeft = MOST_ENTRIES;
  let sizeBytes = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const entries = firstEntries(path, entriesLeft);
    entriesLeft -= entries.length;
    for (const entry of entries) {
      if (entry.isDirectory()) directories.push(join(path, entry.name));
      else if (entry.isFile()) sizeBytes += sizeOf(join(path, entry.name));
    }
    if (entriesLeft === 0) return sizeBytes;
  }
  return sizeBytes;
}

function firstEntries(path: string, most: number): Dirent[] {
  const entries: Dirent[] = [];
  try {
    const directory = opendirSync(path);
    try {
      for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
        entries.push(entry);
        if (entries.length === most) break;
      }
    } finally {
      directory.closeSync();
    }
  } catch {
    // What was seen of it counts.
  }
  return entries;
}

function sizeOf(path: string): number {
  try {
    return lookAt(path)?.size ?? 0;
  } catch {
    return 0;
  }
}
