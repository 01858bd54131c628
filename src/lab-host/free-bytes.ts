// Room on a disk, as df(1) tells it: what is kept for root does not count.

import { statfs } from 'node:fs/promises';

/** Bytes that can still be written to the filesystem of `path`. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
