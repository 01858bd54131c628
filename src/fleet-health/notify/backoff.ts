// When a channel that failed is tried again: after a minute, then twice as long each time up to an hour, a little sooner or later each
// time. By wall time, since each attempt is another process.

const FIRST_MS = 60_000;
const LONGEST_MS = 3_600_000;

/** `failures` in a row, 1 or more; `random` from 0 to 1. */
export function nextTryAtMs(failures: number, nowMs: number, random: number): number {
  const steadyMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30));
  return Math.round(nowMs + Math.max(FIRST_MS, steadyMs * (0.5 + random / 2)));
}

/** A time further ahead than any attempt is put off to was told by a clock that has been set back since. */
export function isDue(nextTryMs: number, nowMs: number): boolean {
  return nowMs >= nextTryMs || nextTryMs - nowMs > LONGEST_MS;
}
