// fleet-silent: most of the hosts that store fell silent at about the same time, which is hardly each one's own fault.

import { WHOLE_FLEET } from '../../protocol/alert.ts';
import type { Detector, Observed } from '../observed.ts';
import { type LastStored, silentOf, storedWithinLookback } from './stored-hosts.ts';

const LEAST_HOSTS = 3;
const US_PER_MIN = 60_000_000;

export const fleetSilent: Detector = {
  symptom: 'fleet-silent',
  rests: ['ledger'],
  tells: (observed) => storing(observed).length >= LEAST_HOSTS,
  detect: (observed) => {
    const stored = storing(observed);
    const { silent_threshold_min, fleet_silent_ratio } = observed.thresholds;
    const together = largestGroup(silentOf(stored, observed), silent_threshold_min * US_PER_MIN);
    if (together < LEAST_HOSTS || together <= fleet_silent_ratio * stored.length) return [];
    return [
      {
        host: WHOLE_FLEET,
        symptom: 'fleet-silent',
        detail: `${together} of ${stored.length} hosts that store fell silent within ${silent_threshold_min} min of each other`,
        suggestedFix:
          'journalctl -u cis490-receiver -n 100; cis490 gate status # on the receiver; then look at the network between it and the hosts',
      },
    ];
  },
};

function storing(observed: Observed): LastStored[] {
  return storedWithinLookback(observed).filter(({ host }) => !observed.retired.has(host));
}

/** Of how many the last rows lie within `withinUs` of each other. */
function largestGroup(silent: readonly LastStored[], withinUs: number): number {
  const times = silent.map(({ lastStoredAtUs }) => lastStoredAtUs).sort((a, b) => a - b);
  let largest = 0;
  let first = 0;
  for (const [last, time] of times.entries()) {
    while (time - (times[first] ?? time) > withinUs) first += 1;
    largest = Math.max(largest, last - first + 1);
  }
  return largest;
}
