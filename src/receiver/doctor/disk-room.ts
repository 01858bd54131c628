// What is left of the filesystem that a path lies on.

import { stat, statfs } from 'node:fs/promises';

export interface DiskRoom {
  /** Tells one filesystem from another. */
  device: number;
  /** For whoever is not root. */
  freeBytes: number;
  totalBytes: number;
  /** From 0 to 1; 1 on a filesystem that makes inodes as it goes, and tells of none. */
  inodesLeft: number;
}

export async function lookAtDisk(path: string): Promise<DiskRoom> {
  const [{ dev }, { bavail, blocks, bsize, files, ffree }] = await Promise.all([stat(path), statfs(path)]);
  return {
    device: dev,
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    inodesLeft: files === 0 ? 1 : ffree / files,
  };
}
