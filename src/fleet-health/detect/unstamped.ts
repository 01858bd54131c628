// unstamped: a host whose episodes do not say which commit made them.

import { hasSucceeded } from '../attempt-tallies.ts';
import type { Detector } from '../observed.ts';
import { stampHost } from './cures.ts';

export const unstamped: Detector = {
  symptom: 'unstamped',
  rests: ['attempts'],
  tells: hasSucceeded,
  detect: ({ attempts, thresholds }) =>
    [...(attempts ?? [])]
      .filter(([, tally]) => tally.unstamped >= thresholds.fatal_min_count)
      .map(([host, tally]) => ({
        host,
        symptom: 'unstamped',
        detail: `${tally.unstamped} attempts in ${thresholds.recent_window_min} min refused for want of a commit (commit-missing): its code is not stamped`,
        suggestedFix: stampHost(host),
      })),
};
