// What is asked of a bag's disk where disks differ or fail. Tests pass one that does.

import { createReadStream } from 'node:fs';
import { type FileHandle, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../../lib/is-there.ts';
import { removeFile } from '../../lib/remove-file.ts';

const PIECE_BYTES = 256 * 1024;

export interface BagDisk {
  read: (path: string) => AsyncIterable<Uint8Array>;
  sync: (handle: FileHandle) => Promise<void>;
  /** Whether two names in this directory that differ in case alone are one. */
  ignoresCase: (directory: string) => Promise<boolean>;
}

export const systemDisk: BagDisk = {
  read: (path) => createReadStream(path, { highWaterMark: PIECE_BYTES }),
  sync: (handle) => handle.sync(),
  ignoresCase: async (directory) => {
    const name = join(directory, 'case-probe');
    await writeFile(name, '');
    try {
      return await isThere(join(directory, 'CASE-PROBE'));
    } finally {
      await removeFile(name);
    }
  },
};
