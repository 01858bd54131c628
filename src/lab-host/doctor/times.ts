// Times of the wall clock as numbers, and spans of time for a person to read.

import type { Clock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/format-duration.ts';

export const DAY_MS = 86_400_000;

/** Milliseconds since 1970. */
export function nowMsOf(clock: Clock): number {
  return Date.parse(clock.wallTime());
}

/** `12 days`, and below two days to the minute. */
export function inDays(ms: number): string {
  return ms < 2 * DAY_MS ? formatDuration(ms / 1000) : `${Math.floor(ms / DAY_MS)} days`;
}
