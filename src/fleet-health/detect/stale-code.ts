// stale-code: a host that stores, and whose commit will soon be outside of the window.

import type { Detector } from '../observed.ts';
import { updateHost } from './cures.ts';
import { hasStoredWithinLookback, storedWithinLookback } from './stored-hosts.ts';

const SHORT_COMMIT = 12;

export const staleCode: Detector = {
  symptom: 'stale-code',
  rests: ['ledger', 'gate'],
  // Code that has left the window is not better code: its host is refused now.
  tells: (observed, host) => {
    const { commits, windowLength } = observed.gate ?? { commits: [], windowLength: 0 };
    const commit = observed.ledger?.get(host)?.commit;
    const isInWindow = commit !== undefined && commits.slice(0, windowLength).includes(commit);
    return isInWindow && hasStoredWithinLookback(observed, host);
  },
  detect: (observed) => {
    const { commits, windowLength } = observed.gate ?? { commits: [], windowLength: 0 };
    const distances = new Map(commits.slice(0, windowLength).map((commit, distance) => [commit, distance]));
    return storedWithinLookback(observed).flatMap(({ host, commit }) => {
      const distance = commit === undefined ? undefined : distances.get(commit);
      if (commit === undefined || distance === undefined) return [];
      if (distance < observed.thresholds.stale_code_ratio * windowLength) return [];
      const detail = `its code ${commit.slice(0, SHORT_COMMIT)} is ${distance} behind the head, and ${windowLength} are refused`;
      return [{ host, symptom: 'stale-code', detail, suggestedFix: updateHost(host, observed) }];
    });
  },
};
