// A directory of a test's own in memory, where the machine has room for it there: for thousands of episodes whose test is not about the
// disk. What is synced costs nothing there; a test of what survives a power cut does not belong on it.

import { mkdtempSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, removeDirectory } from './temporary-directory.ts';

const MEMORY_FILESYSTEM = '/dev/shm';
// Containers often have 64 MiB of it. Ten thousand small episodes, on their host and stored, take a quarter of this.
const ENOUGH_BYTES = 1024 ** 3;

export function memoryDirectory(): string {
  if (!hasRoom()) return makeDirectory();
  const path = mkdtempSync(join(MEMORY_FILESYSTEM, 'cis490-test-'));
  process.once('exit', () => removeDirectory(path));
  return path;
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FILESYSTEM);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}
