// How large a directory's files are, for the sums that people see: bounded work, and never a failure.

import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

// The first scan after a start looks at every episode that waits.
const MOST_ENTRIES = 1_000;

/** Of its first thousand entries. Follows no link; what cannot be looked at counts nothing. */
export async function bytesOnDisk(root: string): Promise<number> {
  const directories = [root];
  let entriesLeft = MOST_ENTRIES;
  let sizeBytes = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const entries = await firstEntries(path, entriesLeft);
    entriesLeft -= entries.length;
    for (const entry of entries) {
      if (entry.isDirectory()) directories.push(join(path, entry.name));
      else if (entry.isFile()) sizeBytes += (await lstat(join(path, entry.name)).catch(() => undefined))?.size ?? 0;
    }
    if (entriesLeft === 0) return sizeBytes;
  }
  return sizeBytes;
}

async function firstEntries(path: string, most: number): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(path)) {
      entries.push(entry);
      if (entries.length === most) break;
    }
  } catch {
    // What was seen of it counts.
  }
  return entries;
}
