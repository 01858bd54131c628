// What a channel is given to say: alerts, grouped by what happened and by symptom. Its text is inert, whoever wrote it.

import { type Severity, WHOLE_FLEET } from '../../protocol/alert.ts';
import type { Acknowledgement, NotificationKind } from '../../storage/monitor-state.ts';

export const MOST_NAMES = 20;
export const KINDS = ['firing', 'reminder', 'resolved'] as const satisfies readonly NotificationKind[];
export const KIND_WORDS: Record<NotificationKind, string> = {
  firing: 'FIRING',
  reminder: 'STILL FIRING',
  resolved: 'RESOLVED',
};

export interface MessageAlert {
  id: string;
  host: string;
  symptom: string;
  severity: Severity;
  kind: NotificationKind;
  detail: string;
  suggestedFix: string;
  firstAt: string;
  resolvedAt: string | null;
  acknowledged: Acknowledgement | null;
}

export interface MessageGroup {
  kind: NotificationKind;
  symptom: string;
  severity: Severity;
  /** By name, all of them; never empty. */
  alerts: readonly [MessageAlert, ...MessageAlert[]];
}

export interface Message {
  /** The wall time of its making: it is signed with the message, so that an old one cannot be played back. */
  generatedAt: string;
  status: 'firing' | 'resolved' | 'test';
  /** The gravest of what fires; null when nothing does. */
  severity: Severity | null;
  title: string;
  text: string;
  /** What fires first, the critical before the rest. */
  groups: readonly MessageGroup[];
  alerts: readonly MessageAlert[];
}

/** `lab-01`, or `the fleet` for what is so of it as a whole. */
export function nameOf({ host }: Pick<MessageAlert, 'host'>): string {
  return host === WHOLE_FLEET ? 'the fleet' : host;
}

export function whoOf(alerts: MessageGroup['alerts']): string {
  return alerts.length === 1 ? nameOf(alerts[0]) : `${alerts.length} hosts`;
}
