// clock-skew: a host whose clock differs from the receiver's. Heartbeats take no time worth counting.

import { formatDuration } from '../../lib/format-duration.ts';
import { freshHeartbeats, isHeard } from '../heartbeat-facts.ts';
import type { Detector } from '../observed.ts';
import { setClock } from './cures.ts';

export const clockSkew: Detector = {
  symptom: 'clock-skew',
  rests: ['heartbeats'],
  tells: isHeard,
  detect: (observed) =>
    freshHeartbeats(observed).flatMap(({ host, ageS, sent_at_wall: sentAtMs }) => {
      if (sentAtMs === undefined) return [];
      const receivedAtMs = observed.nowMs - ageS * 1000;
      const aheadS = (sentAtMs - receivedAtMs) / 1000;
      if (Math.abs(aheadS) <= observed.thresholds.clock_skew_s) return [];
      const detail = `its clock is ${formatDuration(Math.abs(aheadS))} ${aheadS > 0 ? 'ahead' : 'behind'}`;
      return [{ host, symptom: 'clock-skew', detail, suggestedFix: setClock(host) }];
    }),
};
