// refused: a host that has learnt to be quiet. It holds its queue, or quarantines without asking, and so makes too few attempts for fatal-only.

import { freshHeartbeats, type HeartbeatFacts, isHeard } from '../heartbeat-facts.ts';
import type { Detector } from '../observed.ts';
import { cureOfRefusal } from './cures.ts';

// Ends by itself, with the trial of a release: what that came to is another symptom's.
const ON_TRIAL = 'update-on-trial';

export const refused: Detector = {
  symptom: 'refused',
  rests: ['heartbeats'],
  tells: isHeard,
  detect: (observed) =>
    freshHeartbeats(observed).flatMap((heartbeat) => {
      const found = refusalIn(heartbeat);
      if (!found) return [];
      const { host } = heartbeat;
      return [
        { host, symptom: 'refused', detail: found.detail, suggestedFix: cureOfRefusal(found.code, host, observed) },
      ];
    }),
};

function refusalIn({
  held,
  backlog,
  quarantine,
}: HeartbeatFacts): { detail: string; code: string | undefined } | undefined {
  if (held && held.code !== ON_TRIAL) {
    const waiting = held.count ?? backlog?.episodes;
    const howMany = waiting === undefined ? '' : `; ${waiting} waiting`;
    return { detail: `its shipper holds the queue: ${held.code ?? 'no code'}${howMany}`, code: held.code };
  }
  const recent = quarantine?.recent;
  if (!recent?.without_asking) return undefined;
  const detail = `its shipper quarantined ${recent.without_asking} in the last hour without asking: ${recent.code ?? 'no code'}`;
  return { detail, code: recent.code };
}
