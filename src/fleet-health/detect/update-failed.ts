// update-failed: a host whose last update was rolled back or failed again and again, or that runs something else than what it should for
// too long.

import { formatDuration } from '../../lib/format-duration.ts';
import { DOCTOR_CHECKS } from '../../protocol/doctor-checks.ts';
import { freshHeartbeats, type HeartbeatFacts, isHeard } from '../heartbeat-facts.ts';
import type { Detector, Observed } from '../observed.ts';
import { onHost } from './cures.ts';

const SHORT_COMMIT = 12;
// Runs in a row: a single one fails for want of a network, and the next one goes on.
const FAILURES_THAT_COUNT = 3;

export const updateFailed: Detector = {
  symptom: 'update-failed',
  rests: ['heartbeats'],
  tells: isHeard,
  detect: (observed) =>
    freshHeartbeats(observed).flatMap((heartbeat) => {
      const detail = faultOf(heartbeat, observed);
      if (detail === undefined) return [];
      const { host } = heartbeat;
      const suggestedFix = onHost(host, ...DOCTOR_CHECKS.autoupdate.cure.split('\n'));
      return [{ host, symptom: 'update-failed', detail, suggestedFix }];
    }),
};

function faultOf({ update, version }: HeartbeatFacts, { nowMs, thresholds }: Observed): string | undefined {
  if (!update) return undefined;
  const { result, target, at_wall: atMs } = update;
  const to = target === undefined ? '' : ` to ${target.slice(0, SHORT_COMMIT)}`;
  const ago = atMs === undefined ? '' : ` ${formatDuration(Math.max(0, (nowMs - atMs) / 1000))} ago`;
  if (result === 'rolled-back') return `its last update${to} was rolled back${ago}`;
  if (result === 'failed' && (update.failures ?? 0) >= FAILURES_THAT_COUNT)
    return `its last update${to} failed${ago}, for the ${ordinal(update.failures ?? 0)} time in a row`;
  // Its target is of the recording code, which is not this program.
  if (update.source === 'git') return undefined;
  // What it says that it runs; `update.commit` is what ran before.
  const commit = version?.commit;
  if (atMs === undefined || target === undefined || commit === undefined || commit === target) return undefined;
  const lagS = (nowMs - atMs) / 1000;
  if (lagS <= thresholds.update_lag_s) return undefined;
  return `it runs ${commit.slice(0, SHORT_COMMIT)} and should run ${target.slice(0, SHORT_COMMIT)} for ${formatDuration(lagS)}`;
}

/** Of 3 and more. */
function ordinal(count: number): string {
  const suffix = ['th', 'st', 'nd', 'rd'][count % 10] ?? 'th';
  return `${count}${[11, 12, 13].includes(count % 100) ? 'th' : suffix}`;
}
