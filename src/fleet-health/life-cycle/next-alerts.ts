// What one run makes of the alerts that fired before it: which begin, go on, resolve, and what is told of each. Pure; ADR 9 has the picture.

import { SYMPTOMS } from '../../protocol/alert.ts';
import type { Alert, AlertOfRun, NotificationKind, Silence } from '../../storage/monitor-state.ts';
import { silenceOf } from '../../storage/silences.ts';
import type { DetectedRun } from '../detected-run.ts';
import { alertRowOf } from '../emit-alerts.ts';
import type { Finding } from '../observed.ts';
import { parseTimeMs } from '../parse-time.ts';
import { explainedBy } from './explained-by.ts';

export interface LifeCycleInput {
  /** All that fired after the run before. */
  firing: readonly Alert[];
  run: Pick<DetectedRun, 'findings' | 'canTell' | 'retired' | 'nowMs' | 'nowWall'>;
  silences: readonly Silence[];
  /** So many runs in a row must look and not find it. */
  recoveryRuns: number;
  reminderMs: number;
  /** 8 hex digits, another at each call. */
  newId: () => string;
}

export interface AlertEvent {
  alertId: string;
  kind: NotificationKind;
}

export interface NextAlerts {
  /** New ones, and those that changed. */
  alerts: AlertOfRun[];
  /** At most one for each alert. */
  events: AlertEvent[];
}

/** What the run saw of one alert's fault. `unknown`: it did not look. */
type Seen = 'found' | 'gone' | 'unknown' | 'retired';

interface Step {
  before: Alert | undefined;
  after: AlertOfRun;
  seen: Seen;
}

export function nextAlerts(input: LifeCycleInput): NextAlerts {
  const { firing, run, silences } = input;
  const findings = new Map(run.findings.map((finding) => [keyOf(finding), finding]));
  const known = new Set(firing.map(keyOf));
  const begun = run.findings.filter((finding) => !known.has(keyOf(finding)));
  const steps = [
    ...firing.map((alert) => goOn(alert, findings.get(keyOf(alert)), input)),
    ...begun.map((finding) => begin(finding, input)),
  ];
  const stillFiring = steps.map(({ after }) => after).filter(({ state }) => state === 'firing');

  const alerts: AlertOfRun[] = [];
  const events: AlertEvent[] = [];
  for (const step of steps) {
    const after = {
      ...step.after,
      ...(step.after.state === 'firing' && {
        suppressedBy: explainedBy(step.after, stillFiring),
        silencedBy: silenceOf(step.after, silences, run.nowWall)?.id ?? null,
      }),
    };
    const { kind, notifiedAt } = toldOf({ ...step, after }, input);
    alerts.push({ ...after, notifiedAt });
    if (kind) events.push({ alertId: after.id, kind });
  }
  return { alerts, events };
}

function keyOf({ host, symptom }: { host: string; symptom: string }): string {
  return `${host}|${symptom}`;
}

function begin(finding: Finding, { run, newId }: LifeCycleInput): Step {
  const after: AlertOfRun = {
    id: newId(),
    ...foundIn(finding, run),
    state: 'firing',
    firstAt: run.nowWall,
    resolvedAt: null,
    suppressedBy: null,
    silencedBy: null,
    notifiedAt: null,
  };
  return { before: undefined, after, seen: 'found' };
}

function goOn(before: Alert, finding: Finding | undefined, { run, recoveryRuns }: LifeCycleInput): Step {
  const { acknowledged: _maintainers, ...alert } = before;
  const resolved = { state: 'resolved', resolvedAt: run.nowWall, suppressedBy: null, silencedBy: null } as const;
  if (run.retired.has(before.host)) return { before, after: { ...alert, ...resolved }, seen: 'retired' };
  if (finding) return { before, after: { ...alert, ...foundIn(finding, run) }, seen: 'found' };
  if (!run.canTell(before.host, before.symptom)) return { before, after: alert, seen: 'unknown' };
  const goodRuns = before.goodRuns + 1;
  const isOver = goodRuns >= recoveryRuns;
  return { before, after: { ...alert, goodRuns, ...(isOver && resolved) }, seen: 'gone' };
}

/** In the words of its row. */
function foundIn(finding: Finding, { nowWall }: LifeCycleInput['run']) {
  const { host, symptom } = finding;
  const { detail, suggested_fix } = alertRowOf(finding, nowWall);
  return {
    host,
    symptom,
    severity: SYMPTOMS[symptom],
    detail,
    suggestedFix: suggested_fix,
    lastAt: nowWall,
    goodRuns: 0,
  };
}

interface Told {
  kind?: NotificationKind;
  notifiedAt: string | null;
}

function toldOf({ before, after, seen }: Step, { run, reminderMs }: LifeCycleInput): Told {
  const { notifiedAt } = after;
  const isTold = notifiedAt !== null;
  // Silenced or not: whoever was told that it fires waits for its end.
  if (after.state === 'resolved') return { ...(isTold && seen !== 'retired' && { kind: 'resolved' }), notifiedAt };
  // Held back when it was found, and not to be seen any more: it is still owed.
  const isOwed = seen === 'unknown' && !isTold;
  if ((seen !== 'found' && !isOwed) || isQuiet(after) || before?.acknowledged) return { notifiedAt };
  if (!isTold) return { kind: 'firing', notifiedAt: run.nowWall };
  const passedMs = run.nowMs - (parseTimeMs(notifiedAt) ?? run.nowMs);
  // The clock was set back: what has passed is not known, and is counted from now on.
  if (passedMs < 0) return { notifiedAt: run.nowWall };
  if (passedMs < reminderMs) return { notifiedAt };
  return { kind: before && isQuiet(before) ? 'firing' : 'reminder', notifiedAt: run.nowWall };
}

function isQuiet({ suppressedBy, silencedBy }: Pick<Alert, 'suppressedBy' | 'silencedBy'>): boolean {
  return suppressedBy !== null || silencedBy !== null;
}
