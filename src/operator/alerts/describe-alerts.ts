// Alerts for a person: what is wrong, since when, what was decided of it, and the command that cures it.

import { inertLine, inertLines } from '../../lib/inert-text.ts';
import { counted } from '../counted.ts';
import type { Alert, OpenAlert } from '../receiver-answers.ts';
import { type Column, formatColumns } from '../terminal/format-columns.ts';
import { ago, agoInFull, lasting } from '../terminal/relative-time.ts';
import type { View } from '../terminal/styles.ts';
import { gravityOf, styleOf, whyQuiet } from './open-alert.ts';

const DECIDE =
  'You look after one: cis490 alerts ack ID --reason …  Not now: cis490 alerts silence --host HOST --for 2h --reason …';

/** `limit`: how many were asked for at most. */
export function describeAlerts(alerts: readonly Alert[], limit: number, nowMs: number, view: View): string[] {
  const open = alerts.filter(isOpen).toSorted((left, right) => gravityOf(left) - gravityOf(right));
  const ended = alerts.filter((alert) => !isOpen(alert));
  const lines = [describeCount(open, view)];
  if (open.length > 0) lines.push('');
  for (const alert of open) lines.push(...describeAlert(alert, nowMs, view, hostOf(alert)));
  if (open.some((alert) => gravityOf(alert) < 2)) lines.push('', view.paint('dim', DECIDE));
  if (ended.length > 0) lines.push('', ...formatColumns(endedColumns(nowMs), ended, view));
  if (alerts.length >= limit)
    lines.push('', view.paint('warn', `These are the newest ${limit}; there may be more: --limit, --host`));
  return lines;
}

/** `host`: whose it is, where that is not told elsewhere. */
export function describeAlert(alert: OpenAlert, nowMs: number, view: View, host?: string): string[] {
  const { id, symptom, severity, since, detail, suggested_fix: fix, acknowledged, silenced } = alert;
  const quiet = whyQuiet(alert);
  const head = [
    view.paint('dim', inertLine(id)),
    ...(host === undefined ? [] : [view.paint('bold', host)]),
    view.paint(styleOf(alert), inertLine(symptom)),
    view.paint(
      'dim',
      `${inertLine(severity ?? '')}${since ? `, ${lasting(since, nowMs)}` : ''}${quiet ? `, ${quiet}` : ''}`,
    ),
  ];
  const decided = acknowledged
    ? [
        `      acknowledged by ${inertLine(acknowledged.by ?? '?')}, ${agoInFull(acknowledged.at ?? '', nowMs)}: ${inertLine(acknowledged.reason ?? '')}`,
      ]
    : silenced
      ? [`      silenced by ${inertLine(silenced)}: cis490 alerts silences`]
      : [];
  return [
    `  ${head.join('  ')}`,
    ...(detail ? [`      ${inertLine(detail)}`] : []),
    ...decided.map((line) => view.paint('dim', line)),
    ...inertLines(fix ?? '').map((command) => `      ${view.paint('command', command)}`),
  ];
}

function describeCount(open: readonly Alert[], view: View): string {
  if (open.length === 0) return view.paint('good', 'No alert is open.');
  const waiting = open.filter((alert) => gravityOf(alert) < 2);
  const critical = waiting.filter(({ severity }) => severity === 'critical').length;
  const quiet = open.length - waiting.length;
  const parts = [
    critical > 0 && `${critical} critical`,
    waiting.length > critical && counted(waiting.length - critical, 'warning'),
    quiet > 0 && `${quiet} silenced, acknowledged or explained by another`,
  ].filter((part) => part !== false);
  const line = `${counted(open.length, 'alert')} open: ${parts.join(', ')}`;
  return view.paint(critical > 0 ? 'bad' : waiting.length > 0 ? 'warn' : 'dim', line);
}

function endedColumns(nowMs: number): Column<Alert>[] {
  return [
    { title: 'ID', text: ({ id }) => inertLine(id) },
    { title: 'ENDED', text: ({ resolved_at }) => (resolved_at ? ago(resolved_at, nowMs) : '?') },
    { title: 'BEGAN', text: ({ since }) => (since ? ago(since, nowMs) : '?'), rank: 1 },
    { title: 'HOST', text: hostOf, narrowest: 16 },
    { title: 'SYMPTOM', text: ({ symptom }) => inertLine(symptom) },
    { title: 'DETAIL', text: ({ detail }) => inertLine(detail ?? ''), narrowest: 20, rank: 2 },
  ];
}

function isOpen({ state }: Alert): boolean {
  return state !== 'resolved';
}

function hostOf({ host }: Alert): string {
  return host === '*' ? 'the fleet' : inertLine(host);
}
