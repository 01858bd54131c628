// Hosts by when they stored last. Compared in whole microseconds, as the rows have them: a limit that is met exactly counts as it says.

import type { Observed } from '../observed.ts';

const US_PER_MIN = 60_000_000;
const US_PER_HOUR = 3_600_000_000;

export interface LastStored {
  host: string;
  lastStoredAtUs: number;
  agoUs: number;
  commit: string | undefined;
}

/** Those that stored within the lookback, its end included. */
export function storedWithinLookback(
  observed: Observed,
  hostIds: Iterable<string> = observed.ledger?.keys() ?? [],
): LastStored[] {
  const nowUs = Math.round(observed.nowMs * 1000);
  const lookbackUs = observed.thresholds.lookback_hours * US_PER_HOUR;
  return [...hostIds].flatMap((host) => {
    const { lastStoredAtUs, commit } = observed.ledger?.get(host) ?? {};
    if (lastStoredAtUs === undefined) return [];
    const agoUs = nowUs - lastStoredAtUs;
    return agoUs >= 0 && agoUs <= lookbackUs ? [{ host, lastStoredAtUs, agoUs, commit }] : [];
  });
}

export function hasStoredWithinLookback(observed: Observed, hostId: string): boolean {
  return storedWithinLookback(observed, [hostId]).length > 0;
}

/** Of these, those that have stored nothing for longer than the threshold. */
export function silentOf(stored: readonly LastStored[], observed: Observed): LastStored[] {
  const thresholdUs = observed.thresholds.silent_threshold_min * US_PER_MIN;
  return stored.filter(({ agoUs }) => agoUs > thresholdUs);
}
