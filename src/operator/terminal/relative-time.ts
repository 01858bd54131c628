// Times as a person asks for them: how long ago, and by which clock it was.

const UNITS = [
  ['days', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `3 min ago`: the largest unit of two or more. A time that lies ahead of the clock is `now`; one that cannot be read is `?`. */
export function ago(wallTime: string, nowMs: number): string {
  const elapsedS = (nowMs - Date.parse(wallTime)) / 1000;
  if (Number.isNaN(elapsedS)) return '?';
  return elapsedS < 2 ? 'now' : `${span(elapsedS)} ago`;
}

/** `for 3 min`, of what began then and goes on. */
export function lasting(wallTime: string, nowMs: number): string {
  const text = ago(wallTime, nowMs);
  return text === 'now' ? 'since now' : `for ${text.replace(/ ago$/, '')}`;
}

/** `40 s`, `3 min`, `47 h`, `12 days`: rounded down. */
export function span(seconds: number): string {
  for (const [unit, lengthS] of UNITS) {
    if (seconds >= 2 * lengthS) return `${Math.floor(seconds / lengthS)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

/** `2026-05-01 06:37:53 UTC` of a wall time as clock.ts writes it. */
export function plainTime(wallTime: string): string {
  const ms = Date.parse(wallTime);
  return Number.isNaN(ms) ? '?' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `3 min ago (2026-05-01 06:37:53 UTC)`. */
export function agoInFull(wallTime: string, nowMs: number): string {
  return `${ago(wallTime, nowMs)} (${plainTime(wallTime)})`;
}
