// What was tried here and was bad, and when it may be tried again: after 1 h, 4 h, 16 h, then once a day, and at once under a higher
// number. Pure.

import { formatWallTime } from '../../lib/clock.ts';
import type { UpdateState } from '../../protocol/update-state.ts';

type BadRelease = NonNullable<NonNullable<UpdateState['bad']>[number]>;

export interface TriedRelease {
  commit: string;
  releaseNumber: number | null;
}

const BACKOFF_H = [1, 4, 16, 24];
const HOUR_MS = 3_600_000;
const MOST_REMEMBERED = 20;

/** The memory with this failure in it, newest first. */
export function rememberBad(
  bad: readonly BadRelease[],
  { commit, releaseNumber }: TriedRelease,
  atWall: string,
): BadRelease[] {
  const before = bad.find((it) => it.commit === commit);
  const isNewNumber = (releaseNumber ?? 0) > (before?.release_number ?? 0);
  const tries = (isNewNumber ? 0 : (before?.tries ?? 0)) + 1;
  const waitH = BACKOFF_H[Math.min(tries, BACKOFF_H.length) - 1] ?? 24;
  const notBefore = Temporal.Instant.from(atWall).add({ hours: waitH });
  const entry = { commit, release_number: releaseNumber, tries, not_before_wall: formatWallTime(notBefore) };
  return [entry, ...bad.filter((it) => it.commit !== commit)].slice(0, MOST_REMEMBERED);
}

/** Until when it is left alone; undefined when it may be tried now. */
export function badUntil(
  bad: readonly BadRelease[],
  { commit, releaseNumber }: TriedRelease,
  atWall: string,
): string | undefined {
  const known = bad.find((it) => it.commit === commit);
  if (!known || (releaseNumber ?? 0) > (known.release_number ?? 0)) return undefined;
  const leftMs = Date.parse(known.not_before_wall) - Date.parse(atWall);
  // More than was ever given: the clock was wrong then or is now.
  const isDue = !(leftMs > 0) || leftMs > 24 * HOUR_MS;
  return isDue ? undefined : known.not_before_wall;
}
