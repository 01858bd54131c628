// fatal-only: a host whose attempts fail, all or nearly all of them, and of which none succeeds.

import { hasSucceeded } from '../attempt-tallies.ts';
import type { AttemptTally, Detector } from '../observed.ts';
import { cureOfRefusal } from './cures.ts';

export const fatalOnly: Detector = {
  symptom: 'fatal-only',
  rests: ['attempts'],
  tells: hasSucceeded,
  detect: (observed) => {
    const { fatal_min_count, fatal_ratio_threshold, recent_window_min } = observed.thresholds;
    return [...(observed.attempts ?? [])].flatMap(([host, { success, clientError, serverError, codes }]) => {
      const failed = clientError + serverError;
      const all = success + failed;
      if (all < fatal_min_count || success > 0 || failed / all < fatal_ratio_threshold) return [];
      const code = mostFrequent(codes);
      const mostly = code === undefined ? '' : `, mostly ${code}`;
      const detail = `${all} attempts in ${recent_window_min} min, none stored: ${clientError} refused, ${serverError} failed${mostly}`;
      return [{ host, symptom: 'fatal-only', detail, suggestedFix: cureOfRefusal(code, host, observed) }];
    });
  },
};

/** Of several with one count, the first by name: the same inputs give the same words. */
function mostFrequent(codes: AttemptTally['codes']): string | undefined {
  return [...codes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
}
