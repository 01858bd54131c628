// Whether a shipper works on a data directory: whether somebody holds its lock, as the kernel tells. Taking the lock to find out could
// keep a shipper from starting in that very moment.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../../lib/app-error.ts';

export type ShipperLife = { kind: 'runs'; pid: number } | { kind: 'stopped' } | { kind: 'unknown' };

/** `unknown` where the kernel does not tell (no Linux), or not of that process (another container). */
export async function shipperLife(root: string): Promise<ShipperLife> {
  let inode: bigint;
  try {
    inode = (await stat(join(root, '.shipper.lock.db'), { bigint: true })).ino;
  } catch (error) {
    if (isMissing(error)) return { kind: 'stopped' };
    throw error;
  }
  const locks = await readFile('/proc/locks', 'utf8').catch(() => undefined);
  return locks === undefined ? { kind: 'unknown' } : readLocks(locks, inode);
}

/**
 * A line is `1: POSIX  ADVISORY  WRITE 24439 fe:00:2261123 1073741824 1073742335`: process, device and inode, range (proc_locks(5)).
 * SQLite's bytes begin at 1 GiB (sqlite.org/lockingv3.html). By the inode without the device, which some filesystems tell differently.
 */
export function readLocks(locks: string, inode: bigint): ShipperLife {
  for (const line of locks.split('\n')) {
    const [, pid, holdsInode, start] = /\bWRITE +(\d+) \w+:\w+:(\d+) (\d+) /.exec(line) ?? [];
    if (holdsInode !== String(inode) || Number(start) < 2 ** 30) continue;
    // Of a process in another namespace the kernel tells no number.
    return Number(pid) > 0 ? { kind: 'runs', pid: Number(pid) } : { kind: 'unknown' };
  }
  return { kind: 'stopped' };
}
