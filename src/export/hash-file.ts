// A file of the bag into a hash. What its disk can no longer give back is damage of this file, as other bytes in it are; any other failure to
// read ends the export.

import type { Hash } from 'node:crypto';
import { errnoOf } from '../lib/app-error.ts';
import type { BagDisk } from './bag/bag-disk.ts';
import { explainReadError } from './explain-read-error.ts';

interface HashFileOptions {
  disk: Pick<BagDisk, 'read'>;
  hash: Hash;
  onBytes: (bytes: number) => void;
  signal: AbortSignal;
}

/** Throws `cannot-read`. */
export async function hashFile(
  path: string,
  { disk, hash, onBytes, signal }: HashFileOptions,
): Promise<'whole' | 'stopped' | 'unreadable'> {
  let bytes = 0;
  try {
    for await (const chunk of disk.read(path)) {
      if (signal.aborted) return 'stopped';
      hash.update(chunk);
      bytes += chunk.byteLength;
      onBytes(bytes);
    }
  } catch (error) {
    if (errnoOf(error) === 'EIO') return 'unreadable';
    throw explainReadError(path, error);
  }
  return 'whole';
}
