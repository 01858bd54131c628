// Alertmanager's API v2, as Prometheus itself calls it: at each run all that fires, with an end some runs ahead, and what is resolved
// once with its real end. Alertmanager groups, repeats and silences by itself. https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

import { formatWallTime } from '../../lib/clock.ts';
import { callUrl } from './call-url.ts';
import type { Message, MessageAlert } from './message.ts';
import type { Notifier } from './notifier.ts';

/** Four runs of the timer: when the monitor is gone for longer, Alertmanager takes what fired for resolved. */
const ENDS_AHEAD_MINUTES = 20;
const TEST_MINUTES = 1;

export function alertmanager({ name, url }: { name: string; url: string }): Notifier {
  const address = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
  return {
    name,
    told: 'of-all',
    send: async (message, signal) => {
      const body = JSON.stringify(message.alerts.map((alert) => postedOf(alert, message)));
      const headers = { 'Content-Type': 'application/json' };
      return { answer: await callUrl({ url: address, method: 'POST', headers, body, signal }) };
    },
  };
}

function postedOf(alert: MessageAlert, { generatedAt, status }: Message) {
  const minutes = status === 'test' ? TEST_MINUTES : ENDS_AHEAD_MINUTES;
  const ahead = formatWallTime(Temporal.Instant.from(generatedAt).add({ minutes }));
  const endsAt = alert.kind === 'resolved' ? (alert.resolvedAt ?? generatedAt) : ahead;
  return {
    labels: { alertname: alert.symptom, host: alert.host, severity: alert.severity, service: 'cis490' },
    annotations: { summary: alert.detail, suggested_fix: alert.suggestedFix, id: alert.id },
    // A begin behind its end, by a clock that was set back, would be refused.
    startsAt: alert.firstAt < endsAt ? alert.firstAt : endsAt,
    endsAt,
  };
}
