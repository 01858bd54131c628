// By how much each host's quarantine grew within 24 hours: its smallest number in each hour is kept, and compared with what it is now.

import { z } from 'zod';

const HOUR_MS = 3_600_000;
const KEPT_HOURS = 24;

/** Host → hours since 1970 and the least that was told in that hour. */
export const quarantineSamplesSchema = z.record(z.string(), z.array(z.tuple([z.int(), z.number()])));
export type QuarantineSamples = z.infer<typeof quarantineSamplesSchema>;

export interface QuarantineGrowth {
  growth: ReadonlyMap<string, number>;
  /** To be remembered. */
  samples: QuarantineSamples;
}

/** `current`: host → how many episodes it holds, as far as that is known now. */
export function growQuarantines(
  before: QuarantineSamples,
  current: ReadonlyMap<string, number>,
  nowMs: number,
): QuarantineGrowth {
  const hour = Math.floor(nowMs / HOUR_MS);
  const kept = new Map<string, Map<number, number>>();
  for (const [host, samples] of Object.entries(before)) {
    // Those of the future are of a clock that has been set back since.
    const within = samples.filter(([at]) => at > hour - KEPT_HOURS && at <= hour);
    if (within.length > 0) kept.set(host, new Map(within));
  }
  const growth = new Map<string, number>();
  for (const [host, episodes] of current) {
    const samples = kept.getOrInsertComputed(host, () => new Map());
    samples.set(hour, Math.min(episodes, samples.get(hour) ?? episodes));
    growth.set(host, episodes - Math.min(...samples.values()));
  }
  return { growth, samples: Object.fromEntries(Array.from(kept, ([host, samples]) => [host, [...samples]])) };
}
