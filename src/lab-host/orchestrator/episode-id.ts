// Names of recorded episodes: sortable by time within a workload, and distinct when the clock repeats a second.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';

const LONGEST_ID = 128;

/** `<workload>-<YYYYMMDDTHHMMSSZ>-<6 hex>`, at most 128 characters: a longer workload name is cut. */
export function makeEpisodeId(workloadName: string, clock: Clock): string {
  const second = `${clock.wallTime().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const suffix = `-${second}-${randomBytes(3).toString('hex')}`;
  return workloadName.slice(0, LONGEST_ID - suffix.length) + suffix;
}
