// One change of the authority at a time, by commands and by the receiver itself.

import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';

/** Throws `already-running`, and what `work` throws. */
export async function withAuthorityLock<T>(storeRoot: string, work: () => Promise<T>): Promise<T> {
  const lock = acquireExclusiveLock(storeRoot, 'ca');
  try {
    return await work();
  } finally {
    lock.release();
  }
}
