// backlog: a host whose episodes wait for too long, or whose quarantine grows.

import { formatDuration } from '../../lib/format-duration.ts';
import { freshHeartbeats, isHeard } from '../heartbeat-facts.ts';
import type { Detector } from '../observed.ts';
import { onHost } from './cures.ts';

export const backlog: Detector = {
  symptom: 'backlog',
  rests: ['heartbeats'],
  tells: isHeard,
  detect: (observed) =>
    freshHeartbeats(observed).flatMap(({ host, backlog, quarantine }) => {
      const { backlog_oldest_s, quarantine_growth } = observed.thresholds;
      const oldestS = backlog?.oldest_s ?? 0;
      const growth = observed.quarantineGrowth.get(host) ?? 0;
      const waits = oldestS >= backlog_oldest_s;
      const grows = growth >= quarantine_growth;
      if (!waits && !grows) return [];
      const facts = [
        ...(waits ? [`${backlog?.episodes ?? 'some'} episodes wait, the oldest for ${formatDuration(oldestS)}`] : []),
        ...(grows ? [`its quarantine grew by ${growth} within 24 h, to ${quarantine?.episodes ?? 'some'}`] : []),
      ];
      const suggestedFix = onHost(host, waits ? 'cis490 shipper status' : 'cis490 quarantine list');
      return [{ host, symptom: 'backlog', detail: facts.join('; '), suggestedFix }];
    }),
};
