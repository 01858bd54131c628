// The last 24 hours of a host by quarter of an hour, as a drawing of a few lines: stored, refused, silent. Each has its own height
// beside its colour, and one sentence says the same. Made of plain loops, and of numbers and our own words alone, so that there is nothing
// to escape: a page may hold a thousand of them.

import { raw } from 'hono/html';
import { QUARTER_MS, QUARTERS } from '../../fleet/day-quarters.ts';
import type { Markup } from '../page.ts';

const HEIGHT = 12;
const QUARTER_MIN = QUARTER_MS / 60_000;

/** All of 96 quarters of an hour, the oldest first; the last of them is under way. */
export interface StripDay {
  /** Episodes. */
  stored: ArrayLike<number>;
  /** Attempts that were refused for a reason of the episode's or the host's; undefined for none. */
  refused: ArrayLike<number> | undefined;
  /** Attempts that the receiver could not take. */
  failed: ArrayLike<number> | undefined;
  /** What is empty at the beginning of the day is silence only then. */
  hasStoredBefore: boolean;
  /** For how long a host may store nothing before that is called silence. */
  silentAfterMin: number;
  /** A wall time. */
  now: string;
}

/** A line of pieces, and how many quarters of an hour they are. */
interface Line {
  path: string;
  quarters: number;
}

export function strip(day: StripDay): Markup {
  const stored = lineOf(day.stored, undefined, HEIGHT / 2);
  const silent = silentLine(day);
  // Over the lower half, so that what was stored beside it shows.
  const not = lineOf(day.refused, day.failed, (3 * HEIGHT) / 4);
  return raw(
    `<svg class="strip" viewBox="0 0 ${QUARTERS} ${HEIGHT}" preserveAspectRatio="none" role="img"><title>${describe(day, stored.quarters, silent.quarters)}</title>${
      draw('silent', silent) + draw('stored', stored) + draw('refused', not)
    }</svg>`,
  );
}

function draw(kind: string, { path, quarters }: Line): string {
  return quarters > 0 ? `<path class="${kind}" d="${path}"/>` : '';
}

function describe({ refused, failed }: StripDay, stored: number, silent: number): string {
  let text = `Last 24 h: stored in ${stored} of ${QUARTERS} quarter hours`;
  const refusals = countOf(refused);
  const failures = countOf(failed);
  if (refusals > 0) text += `, refused in ${refusals}`;
  if (failures > 0) text += `, not taken by the receiver in ${failures}`;
  const silentMin = silent * QUARTER_MIN;
  if (silentMin > 0)
    text += `, silent for ${silentMin < 120 ? `${silentMin} min` : `${Math.round(silentMin / 60)} hours`}`;
  return text;
}

/** Gaps longer than the host may be quiet for, by the quarter of an hour. */
function silentLine({ stored, hasStoredBefore, silentAfterMin, now }: StripDay): Line {
  const yetToComeMin = QUARTER_MIN - (Date.parse(now) % QUARTER_MS) / 60_000;
  const silent: Line = { path: '', quarters: 0 };
  for (let from = 0; from < QUARTERS; from += 1) {
    if (isSome(stored, from)) continue;
    let to = from;
    while (to < QUARTERS && !isSome(stored, to)) to += 1;
    const gapMin = (to - from) * QUARTER_MIN - (to === QUARTERS ? yetToComeMin : 0);
    if (gapMin > silentAfterMin && (from > 0 || hasStoredBefore)) {
      silent.path += `M${from} ${HEIGHT / 2}h${to - from}`;
      silent.quarters += to - from;
    }
    from = to;
  }
  return silent;
}

/** Where either of them has some. */
function lineOf(counts: ArrayLike<number> | undefined, others: ArrayLike<number> | undefined, y: number): Line {
  const line: Line = { path: '', quarters: 0 };
  if (!counts && !others) return line;
  for (let from = 0; from < QUARTERS; from += 1) {
    if (!isSome(counts, from) && !isSome(others, from)) continue;
    let to = from;
    while (to < QUARTERS && (isSome(counts, to) || isSome(others, to))) to += 1;
    line.path += `M${from} ${y}h${to - from}`;
    line.quarters += to - from;
    from = to;
  }
  return line;
}

function countOf(counts: ArrayLike<number> | undefined): number {
  if (!counts) return 0;
  let quarters = 0;
  for (let index = 0; index < QUARTERS; index += 1) if (isSome(counts, index)) quarters += 1;
  return quarters;
}

function isSome(counts: ArrayLike<number> | undefined, index: number): boolean {
  return counts !== undefined && (counts[index] ?? 0) > 0;
}
