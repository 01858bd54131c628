// Alerts and silences as the answers of the contract show them.

import type { AlertAnswer, OpenAlert, SilenceAnswer } from '../../protocol/answers.ts';
import type { Alert, Silence } from '../../storage/monitor-state.ts';
import { isActive, silenceOf } from '../../storage/silences.ts';

export function describeOpenAlert(alert: Alert, silences: readonly Silence[], now: string): OpenAlert {
  const { id, symptom, severity, detail } = alert;
  return {
    id,
    symptom,
    severity,
    since: alert.firstAt,
    detail,
    suggested_fix: alert.suggestedFix,
    suppressed: alert.suppressedBy,
    silenced: silenceOf(alert, silences, now)?.id ?? null,
    acknowledged: alert.acknowledged,
  };
}

export function describeAlert(alert: Alert, silences: readonly Silence[], now: string): AlertAnswer {
  const { host, state, lastAt, resolvedAt } = alert;
  const open = describeOpenAlert(alert, state === 'firing' ? silences : [], now);
  return { ...open, host, state, last_at: lastAt, resolved_at: resolvedAt };
}

export function describeSilence(silence: Silence, now: string): SilenceAnswer {
  const { id, host, symptom, reason, by, createdAt, expiresAt } = silence;
  return {
    id,
    host,
    symptom,
    reason,
    by,
    created_at: createdAt,
    expires_at: expiresAt,
    active: isActive(silence, now),
  };
}
