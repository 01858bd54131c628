// never-seen: a host that is expected, and has never stored an episode.

import { formatDuration } from '../../lib/format-duration.ts';
import { lastHeartbeatOf } from '../heartbeat-facts.ts';
import type { Detector } from '../observed.ts';
import { pingFrom } from './cures.ts';

export const neverSeen: Detector = {
  symptom: 'never-seen',
  rests: ['ledger'],
  // Within its grace nothing is known: gone is what has stored, or is expected no more.
  tells: ({ ledger, expectedSinceMs }, host) => ledger?.has(host) === true || !expectedSinceMs.has(host),
  detect: (observed) =>
    [...observed.expectedSinceMs].flatMap(([host, sinceMs]) => {
      const waitedS = (observed.nowMs - sinceMs) / 1000;
      if (observed.ledger?.has(host) || waitedS < observed.thresholds.never_seen_after_s) return [];
      const heartbeat = lastHeartbeatOf(observed, host);
      const heard = heartbeat
        ? `its last heartbeat came ${formatDuration(Math.max(0, heartbeat.ageS))} ago`
        : 'nor sent a heartbeat';
      const known = observed.heartbeats ? `; ${heard}` : '';
      const detail = `expected for ${formatDuration(waitedS)}, and has never stored an episode${known}`;
      return [{ host, symptom: 'never-seen', detail, suggestedFix: pingFrom(host) }];
    }),
};
