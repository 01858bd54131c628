// One at a time takes episodes out of quarantine/ and shipped/ by hand or requeues them; the next one waits. The passes of the shipper take
// no part: each of their steps is one rename, of which only one can succeed.

import { AppError } from '../../../lib/app-error.ts';
import type { Clock } from '../../../lib/clock.ts';
import { acquireExclusiveLock, type ExclusiveLock } from '../../../lib/exclusive-lock.ts';

const LOOK_AGAIN_MS = 100;
const PATIENCE_MS = 60_000;

/** Throws `already-running` when another command is still at it after `patienceMs`. */
export async function withQueueLock<T>(
  root: string,
  clock: Clock,
  work: () => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const lock = await acquire(root, clock, clock.monotonicMs() + patienceMs);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function acquire(root: string, clock: Clock, untilMs: number): Promise<ExclusiveLock> {
  for (;;) {
    try {
      return acquireExclusiveLock(root, 'queue-command');
    } catch (error) {
      const isHeld = error instanceof AppError && error.code === 'already-running';
      if (!isHeld || clock.monotonicMs() >= untilMs) throw error;
    }
    await clock.sleep(LOOK_AGAIN_MS);
  }
}
