// One message from all that waits for a channel: grouped by symptom, so that 200 silent hosts are one thing to read. Its text is inert.

import { inertLine } from '../../lib/inert-text.ts';
import { SYMPTOM_NAMES, WHOLE_FLEET } from '../../protocol/alert.ts';
import type { Alert, NotificationKind } from '../../storage/monitor-state.ts';
import { describeGroups } from './describe-groups.ts';
import { KIND_WORDS, KINDS, type Message, type MessageAlert, type MessageGroup, whoOf } from './message.ts';

const LONGEST_TITLE = 150;

/** `events` is not empty. */
export function composeMessage(
  events: ReadonlyArray<{ kind: NotificationKind; alert: Alert }>,
  generatedAt: string,
): Message {
  const groups = groupsOf(events.map(({ kind, alert }) => messageAlertOf(alert, kind)));
  const firing = groups.filter(({ kind }) => kind !== 'resolved');
  const isCritical = firing.some(({ severity }) => severity === 'critical');
  return {
    generatedAt,
    status: firing.length > 0 ? 'firing' : 'resolved',
    severity: firing.length === 0 ? null : isCritical ? 'critical' : 'warning',
    title: titleOf(groups),
    text: describeGroups(groups),
    groups,
    alerts: groups.flatMap(({ alerts }) => alerts),
  };
}

/** Says of itself that nothing is amiss. */
export function composeTestMessage(channel: string, generatedAt: string): Message {
  const detail = `A test of the channel ${channel}. Nothing is amiss.`;
  const alert: MessageAlert = {
    id: '00000000',
    host: WHOLE_FLEET,
    symptom: 'test',
    severity: 'warning',
    kind: 'firing',
    detail,
    suggestedFix: 'nothing is to be done',
    firstAt: generatedAt,
    resolvedAt: null,
    acknowledged: null,
  };
  const title = `cis490 test of ${channel}`;
  return { generatedAt, status: 'test', severity: null, title, text: `${detail}\n`, groups: [], alerts: [alert] };
}

function messageAlertOf(alert: Alert, kind: NotificationKind): MessageAlert {
  const { id, symptom, severity, firstAt, resolvedAt, acknowledged } = alert;
  return {
    id,
    host: inertLine(alert.host),
    symptom,
    severity,
    kind,
    detail: inertLine(alert.detail),
    suggestedFix: inertLine(alert.suggestedFix),
    firstAt,
    resolvedAt,
    acknowledged: acknowledged && {
      at: acknowledged.at,
      by: inertLine(acknowledged.by),
      reason: inertLine(acknowledged.reason),
    },
  };
}

function groupsOf(alerts: readonly MessageAlert[]): MessageGroup[] {
  const order = new Map<string, number>(SYMPTOM_NAMES.map((name, index) => [name, index]));
  const rank = ({ kind, severity, symptom }: MessageGroup) =>
    KINDS.indexOf(kind) * 1_000 + (severity === 'critical' ? 0 : 500) + (order.get(symptom) ?? 499);
  const groups: MessageGroup[] = [];
  for (const members of Map.groupBy(alerts, ({ kind, symptom }) => `${kind}|${symptom}`).values()) {
    const [first, ...others] = members.toSorted((left, right) => (left.host < right.host ? -1 : 1));
    if (!first) continue;
    groups.push({ kind: first.kind, symptom: first.symptom, severity: first.severity, alerts: [first, ...others] });
  }
  return groups.sort((left, right) => rank(left) - rank(right));
}

/** `cis490 FIRING silent: 200 hosts; refused: lab-07 | RESOLVED backlog: lab-03` */
function titleOf(groups: readonly MessageGroup[]): string {
  const parts = KINDS.flatMap((kind) => {
    const ofKind = groups.filter((group) => group.kind === kind);
    const words = ofKind.map(({ symptom, alerts }) => `${symptom}: ${whoOf(alerts)}`);
    return words.length === 0 ? [] : [`${KIND_WORDS[kind]} ${words.join('; ')}`];
  });
  const title = `cis490 ${parts.join(' | ')}`;
  return title.length <= LONGEST_TITLE ? title : `${title.slice(0, LONGEST_TITLE - 3)}...`;
}
