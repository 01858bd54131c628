// Waits for a moment of the monotonic clock, however far: Node's timers overflow at 24.8 days and may fire a little early.

import type { Clock } from '../../lib/clock.ts';

const LONGEST_SLEEP_MS = 3_600_000;

/** Resolves at `deadlineMs` (monotonic; `Infinity` waits for the signal alone), or at once when `signal` aborts. */
export async function sleepUntil(clock: Clock, deadlineMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (signal.aborted || leftMs <= 0) return;
    await clock.sleep(Math.min(leftMs, LONGEST_SLEEP_MS), signal);
  }
}
