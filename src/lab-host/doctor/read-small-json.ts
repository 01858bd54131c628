// A file that anybody may have written: read only when it is a regular one and not too large.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';

const MOST_BYTES = 1024 * 1024;

/** As `readSmallFile`, and undefined when it holds no JSON. */
export async function readSmallJson(path: string): Promise<unknown> {
  return parseJson((await readSmallFile(path, MOST_BYTES)) ?? '');
}

/** Undefined when it is missing, larger, or no regular file. Throws when it may not be read. */
export async function readSmallFile(path: string, mostBytes: number): Promise<string | undefined> {
  try {
    // A named pipe would wait for its writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      return stats.isFile() && stats.size <= mostBytes ? await handle.readFile('utf8') : undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
