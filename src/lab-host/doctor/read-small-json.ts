// A JSON file that anybody may have written: read only when it is a small, regular file.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../lib/app-error.ts';

const MOST_BYTES = 1024 * 1024;

/** Undefined when it is missing, is no regular file, or holds no JSON; `too-large` is not read. Throws when it may not be read. */
export async function readSmallJson(path: string): Promise<unknown> {
  const text = await readSmallFile(path);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    // A named pipe would wait for its writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      return stats.isFile() && stats.size <= MOST_BYTES ? await handle.readFile('utf8') : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
