// Whole files that survive a power cut: a reader sees the old content or the new, never a part of either.

import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeFile } from './remove-file.ts';

/** Makes the names in a directory durable (fsync(2) on the directory itself). */
export async function fsyncDirectory(path: string): Promise<void> {
  await fsyncPath(path);
}

/** Makes a file's content durable; needs no write access to it. */
export async function fsyncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface DurableWriteOptions {
  mode?: number;
  /** Where the new content is written first; the same filesystem. Default: beside the file, with a name of its own. */
  temporaryPath?: string;
}

/** Order: write → fsync → rename → fsync directory. Throws the system's error; the old content then still stands. */
export async function writeFileDurably(
  path: string,
  content: string | Uint8Array,
  options: DurableWriteOptions = {},
): Promise<void> {
  const temporaryPath = options.temporaryPath ?? `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(temporaryPath, 'w', options.mode ?? 0o644);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporaryPath, path);
  } catch (error) {
    await removeFile(temporaryPath);
    throw error;
  }
  await fsyncDirectory(dirname(path));
}

/** `value` as indented JSON with a last newline, as every JSON file of ours is written. */
export function toJsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
