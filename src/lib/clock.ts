// Time, injected: wall time is for people and records, monotonic time for every interval.

import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** UTC, ISO 8601 with microseconds and `+00:00`, as every file and answer carries it. */
  wallTime(): string;
  /** Milliseconds that never step back, with an arbitrary zero. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts: a stopped wait is no failure. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  wallTime: () => formatWallTime(Temporal.Now.instant()),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return;
    await delay(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  },
};

// Node's timers overflow at 24.8 days, and may fire a little early.
const LONGEST_SLEEP_MS = 3_600_000;

/** Resolves at `deadlineMs` (monotonic; `Infinity` waits for the signal alone), or at once when `signal` aborts. */
export async function sleepUntil(clock: Clock, deadlineMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (signal.aborted || leftMs <= 0) return;
    await clock.sleep(Math.min(leftMs, LONGEST_SLEEP_MS), signal);
  }
}

/** `2026-05-01T06:37:53.830599+00:00`: sorts as text and parses in Python's `fromisoformat`. */
export function formatWallTime(instant: Temporal.Instant): string {
  return instant.toString({ fractionalSecondDigits: 6 }).replace(/Z$/, '+00:00');
}
