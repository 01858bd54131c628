// A message as plain text: sections by what happened, in each a paragraph for each symptom. A few hosts are told one by one, many by
// their names and the first one's cure.

import { formatDuration } from '../../lib/format-duration.ts';
import { parseTimeMs } from '../parse-time.ts';
import { KIND_WORDS, type MessageAlert, type MessageGroup, MOST_NAMES, nameOf, whoOf } from './message.ts';

const MOST_ONE_BY_ONE = 5;

export function describeGroups(groups: readonly MessageGroup[]): string {
  const lines: string[] = [];
  let kind: MessageGroup['kind'] | undefined;
  for (const group of groups) {
    if (group.kind !== kind) lines.push(KIND_WORDS[group.kind], '');
    kind = group.kind;
    lines.push(`${group.symptom} (${group.severity}): ${whoOf(group.alerts)}`, ...bodyOf(group), '');
  }
  if (groups.some((group) => group.kind !== 'resolved')) lines.push(...NEXT);
  return `${lines.join('\n').trimEnd()}\n`;
}

const NEXT = ['What fires now: cis490 alerts', 'No more reminders of one: cis490 alerts ack ID --reason "on my way"'];

function bodyOf({ alerts, kind }: MessageGroup): string[] {
  if (alerts.length <= MOST_ONE_BY_ONE) return alerts.flatMap((alert) => linesOf(alert, alerts.length > 1));
  const names = alerts.slice(0, MOST_NAMES).map(nameOf).join(', ');
  const more = alerts.length > MOST_NAMES ? ` and ${alerts.length - MOST_NAMES} more` : '';
  if (kind === 'resolved') return [`  ${names}${more}`];
  const [first] = alerts;
  const isSame = alerts.every(({ suggestedFix }) => suggestedFix === first.suggestedFix);
  const fix = `  Suggested${isSame ? '' : `, for ${nameOf(first)}`}: ${first.suggestedFix}`;
  return [`  ${names}${more}`, `  ${nameOf(first)}: ${first.detail}`, fix];
}

function linesOf(alert: MessageAlert, withName: boolean): string[] {
  const who = withName ? `${nameOf(alert)}: ` : '';
  if (alert.kind === 'resolved') return [`  ${who}${lastedOf(alert)}`];
  const known = alert.acknowledged ? [`  Acknowledged by ${alert.acknowledged.by}: ${alert.acknowledged.reason}`] : [];
  return [
    `  ${who}${alert.detail}`,
    `  Since ${shortTime(alert.firstAt)}, id ${alert.id}`,
    `  Suggested: ${alert.suggestedFix}`,
    ...known,
  ];
}

function lastedOf({ firstAt, resolvedAt, id }: MessageAlert): string {
  const fromMs = parseTimeMs(firstAt) ?? 0;
  const lastedS = ((parseTimeMs(resolvedAt) ?? fromMs) - fromMs) / 1000;
  const time = `since ${shortTime(firstAt)}, until ${shortTime(resolvedAt ?? firstAt)}`;
  // A clock that was set back meanwhile makes it end before it began.
  return `${time}${lastedS >= 0 ? ` (${formatDuration(lastedS)})` : ''}, id ${id}`;
}

/** `2026-05-01 06:37 UTC` */
function shortTime(wallTime: string): string {
  return `${wallTime.slice(0, 10)} ${wallTime.slice(11, 16)} UTC`;
}
