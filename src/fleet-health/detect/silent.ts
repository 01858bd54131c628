// silent: a host that stored and stopped. The heartbeat tells whether it is dead, cut off, or records nothing.

import { formatWallTime } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/format-duration.ts';
import { lastHeartbeatOf } from '../heartbeat-facts.ts';
import type { Detector, Observed } from '../observed.ts';
import { cureOfRefusal, onHost, pingFrom } from './cures.ts';
import { hasStoredWithinLookback, silentOf, storedWithinLookback } from './stored-hosts.ts';

export const silent: Detector = {
  symptom: 'silent',
  rests: ['ledger'],
  tells: hasStoredWithinLookback,
  detect: (observed) =>
    silentOf(storedWithinLookback(observed), observed).map(({ host, agoUs, lastStoredAtUs }) => {
      const last = formatWallTime(Temporal.Instant.fromEpochMilliseconds(Math.floor(lastStoredAtUs / 1000)));
      const { why, suggestedFix } = explain(host, observed);
      const detail = `nothing stored for ${formatDuration(agoUs / 1e6)}, since ${last.slice(0, 19)} UTC; ${why}`;
      return { host, symptom: 'silent', detail, suggestedFix };
    }),
};

function explain(host: string, observed: Observed): { why: string; suggestedFix: string } {
  const restart = onHost(
    host,
    'sudo systemctl restart cis490-shipper',
    'sudo systemctl try-restart cis490-orchestrator',
  );
  if (!observed.heartbeats) return { why: 'why is not known: no heartbeats are at hand', suggestedFix: restart };
  const heartbeat = lastHeartbeatOf(observed, host);
  if (!heartbeat) return { why: 'dead: no heartbeat of it is known', suggestedFix: restart };
  if (!heartbeat.isFresh) {
    const ago = heartbeat.ageS > 0 ? `came ${formatDuration(heartbeat.ageS)} ago` : 'lies ahead of the clock';
    return {
      why: `dead: its last heartbeat ${ago}, so it is off, off the network, or its shipper is stopped`,
      suggestedFix: restart,
    };
  }
  const { held, backlog } = heartbeat;
  if (held) {
    const why = `cut off: its heartbeat says that it is held (${held.code ?? 'no code'}) with ${backlog?.episodes ?? 'some'} waiting`;
    return { why, suggestedFix: cureOfRefusal(held.code, host, observed) };
  }
  if (backlog?.episodes) {
    return { why: `cut off: its heartbeat says that ${backlog.episodes} wait`, suggestedFix: pingFrom(host) };
  }
  return {
    why: 'nothing recorded: its heartbeat is fresh, and nothing waits',
    // A host that records with another recorder has it disabled; where it is enabled it may have ended, and is to be started.
    suggestedFix: onHost(
      host,
      'systemctl is-enabled cis490-orchestrator && sudo systemctl restart cis490-orchestrator',
      'systemctl status cis490-orchestrator',
    ),
  };
}
