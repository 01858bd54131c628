// Names and small files, dealt with at once: what a local disk answers from memory takes a tenth of its way through another thread and
// back. What waits for the disk, an fsync or many bytes, goes through the pool, so that the other episode goes on meanwhile.

import {
  closeSync,
  constants,
  fsync,
  lstatSync,
  openSync,
  read,
  readSync,
  type Stats,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { removeFile } from '../../lib/remove-file.ts';

// More than this is no matter of an instant.
const AT_ONCE_BYTES = 64 * 1024;
// Freeing the blocks of a large file takes its time.
const REMOVED_AT_ONCE_BYTES = 1024 * 1024;

const fsyncInPool = promisify(fsync);
const readInPool = promisify(read);
const writeInPool = promisify(write);

/** Follows no link. Undefined only for what is not there. */
export function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** For what a recorder left: follows no link, waits for no pipe. */
export const READ_ONLY_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** From `atByte` on, or null: from where the last reading ended. Resolves with how many bytes of `target` are filled; 0 at the end. */
export async function readSome(descriptor: number, target: Buffer, atByte: number | null): Promise<number> {
  const bytes = target.byteLength;
  if (bytes <= AT_ONCE_BYTES) return readSync(descriptor, target, 0, bytes, atByte);
  return (await readInPool(descriptor, target, 0, bytes, atByte)).bytesRead;
}

/** It is no longer there, or never was, when this resolves. */
export async function removeQuickly(path: string): Promise<void> {
  const found = lookAt(path);
  if (!found) return;
  if (found.size > REMOVED_AT_ONCE_BYTES) await removeFile(path);
  else unlinkSync(path);
}

/** The file is durable when this resolves with what `fill` did; its name is not. */
export async function createDurably<T>(
  path: string,
  mode: number,
  fill: (descriptor: number) => Promise<T> | T,
): Promise<T> {
  const descriptor = openSync(path, 'w', mode);
  try {
    const result = await fill(descriptor);
    await fsyncInPool(descriptor);
    return result;
  } finally {
    closeSync(descriptor);
  }
}

/** All of it, at the end of what was written before. */
export async function writeAll(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.byteLength; ) {
    const leftBytes = bytes.byteLength - from;
    if (leftBytes <= AT_ONCE_BYTES) from += writeSync(descriptor, bytes, from);
    else from += (await writeInPool(descriptor, bytes, from, leftBytes, null)).bytesWritten;
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const descriptor = openSync(path, 'r');
  try {
    await fsyncInPool(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
