// unhealthy: a host whose doctor says red, or has not said anything for too long. The cures are ours, by check id: a report is the host's word.

import { formatDuration } from '../../lib/format-duration.ts';
import { type CheckId, DOCTOR_CHECKS, isHostCheckId } from '../../protocol/doctor-checks.ts';
import type { Detector } from '../observed.ts';
import { onHost } from './cures.ts';

const MOST_NAMED = 5;
const DOCTOR = 'cis490 doctor';

export const unhealthy: Detector = {
  symptom: 'unhealthy',
  rests: ['reports'],
  tells: ({ reports }, host) => (reports?.get(host)?.status ?? 'unknown') !== 'unknown',
  detect: ({ reports, nowMs, thresholds }) =>
    [...(reports ?? [])].flatMap(([host, { status, receivedAtMs, redChecks }]) => {
      const ageS = (nowMs - receivedAtMs) / 1000;
      if (ageS > thresholds.doctor_max_age_s) {
        const detail = `its last doctor report came ${formatDuration(ageS)} ago${status === 'red' ? ', and was red' : ''}`;
        return [
          {
            host,
            symptom: 'unhealthy',
            detail,
            suggestedFix: onHost(host, 'sudo systemctl start cis490-doctor-check'),
          },
        ];
      }
      if (status !== 'red') return [];
      const checks = redChecks.filter(isHostCheckId);
      const detail = checks.length === 0 ? 'its doctor says red' : `its doctor says red: ${nameAll(checks)}`;
      return [{ host, symptom: 'unhealthy', detail, suggestedFix: cureOf(host, checks[0]) }];
    }),
};

function nameAll(checks: readonly CheckId[]): string {
  const named = checks.slice(0, MOST_NAMED).map((id) => `${id} (${DOCTOR_CHECKS[id].meaning})`);
  const more = checks.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function cureOf(host: string, check: CheckId | undefined): string {
  if (check === undefined) return onHost(host, DOCTOR);
  // One check's cure is not the other's host: a token is made on the receiver.
  if (check === 'token-expiry') return `${DOCTOR_CHECKS[check].cure.replace('HOST', host)} # on the receiver`;
  return onHost(host, ...DOCTOR_CHECKS[check].cure.split('\n'));
}
