// A day as the views show it: this quarter of an hour and the 95 before it, in UTC.

export const QUARTER_MS = 15 * 60_000;
export const QUARTERS = 96;

/** Counts quarters since 1970. `wallTime`: any ISO 8601 instant; NaN for what is none. */
export function quarterOf(wallTime: string): number {
  return quarterAt(Date.parse(wallTime));
}

/** `timeMs`: since 1970. */
export function quarterAt(timeMs: number): number {
  return Math.floor(timeMs / QUARTER_MS);
}
