// One run at a time: a second one waits for the first, which takes seconds.

import { AppError } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { acquireExclusiveLock, type ExclusiveLock } from '../lib/exclusive-lock.ts';

const LONGEST_WAIT_MS = 120_000;
const LOOK_EVERY_MS = 100;

/** Throws `already-running` when the other run does not end in time. */
export async function waitForLock(directory: string, clock: Clock): Promise<ExclusiveLock> {
  const deadlineMs = clock.monotonicMs() + LONGEST_WAIT_MS;
  for (;;) {
    try {
      return acquireExclusiveLock(directory, 'fleet-health');
    } catch (error) {
      const isHeld = error instanceof AppError && error.code === 'already-running';
      if (!isHeld || clock.monotonicMs() >= deadlineMs) throw error;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}
