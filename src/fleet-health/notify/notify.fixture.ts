// Alerts and channels for tests: nothing is amiss with them until a test says so.

import type { Alert, NotificationKind } from '../../storage/monitor-state.ts';
import type { Message } from './message.ts';
import type { Notifier, Sent } from './notifier.ts';

export const NOON = '2026-05-01T12:00:00.000000+00:00';

export function alertOf(host: string, fields: Partial<Alert> = {}): Alert {
  return {
    id: '0a0b0c0d',
    host,
    symptom: 'silent',
    severity: 'critical',
    detail: 'stored nothing for 31 min',
    suggestedFix: `ssh ${host} cis490 shipper --ping`,
    state: 'firing',
    firstAt: NOON,
    lastAt: NOON,
    resolvedAt: null,
    goodRuns: 0,
    suppressedBy: null,
    silencedBy: null,
    notifiedAt: NOON,
    acknowledged: null,
    ...fields,
  };
}

export function resolvedOf(host: string, fields: Partial<Alert> = {}): Alert {
  return alertOf(host, { state: 'resolved', resolvedAt: '2026-05-01T13:01:00.000000+00:00', goodRuns: 2, ...fields });
}

export function eventOf(kind: NotificationKind, alert: Alert) {
  return { kind, alert };
}

/** Keeps what it was sent, and does with it what the test says. */
export class FakeNotifier implements Notifier {
  readonly name: string;
  readonly told: Notifier['told'];
  readonly messages: Message[] = [];
  answer: (signal: AbortSignal) => Promise<Sent> = async () => ({ answer: '200 OK' });

  constructor(name: string, told: Notifier['told'] = 'of-changes') {
    this.name = name;
    this.told = told;
  }

  async send(message: Message, signal: AbortSignal): Promise<Sent> {
    this.messages.push(message);
    return await this.answer(signal);
  }
}
