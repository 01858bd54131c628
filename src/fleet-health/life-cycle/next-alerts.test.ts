import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Symptom } from '../../protocol/alert.ts';
import type { Alert, AlertOfRun, Silence } from '../../storage/monitor-state.ts';
import { nextAlerts } from './next-alerts.ts';

/** 2026-05-01, so many minutes after noon. */
function at(minutes: number): string {
  const instant = Temporal.Instant.from('2026-05-01T12:00:00Z').add({ minutes });
  return instant.toString({ fractionalSecondDigits: 6 }).replace('Z', '+00:00');
}

interface Run {
  minute: number;
  /** `host symptom` */
  found?: string[];
  notEvaluated?: Symptom[];
  silences?: Silence[];
  retired?: string[];
  /** `host symptom` of what was acknowledged before this run. */
  acknowledged?: string[];
}

function silence(minutes: [from: number, until: number], fields: Partial<Silence> = {}): Silence {
  const [from, until] = minutes;
  return {
    id: '5117e9ce',
    host: 'h1',
    symptom: null,
    reason: 'moved',
    by: 'ada',
    createdAt: at(from),
    expiresAt: at(until),
    ...fields,
  };
}

/** What is told in each run, as `host symptom kind`, and the alerts in the end. */
function story(runs: Run[]): { told: string[][]; alerts: Alert[] } {
  const alerts = new Map<string, Alert>();
  let ids = 0;
  const told = runs.map(({ minute, found = [], notEvaluated = [], silences = [], retired = [], acknowledged = [] }) => {
    for (const alert of alerts.values()) {
      if (!acknowledged.includes(`${alert.host} ${alert.symptom}`)) continue;
      alert.acknowledged = { at: at(minute), by: 'ada', reason: 'on my way' };
    }
    const { alerts: changed, events } = nextAlerts({
      firing: [...alerts.values()].filter(({ state }) => state === 'firing'),
      run: {
        nowMs: Date.parse(at(minute)),
        nowWall: at(minute),
        findings: found.map((words) => {
          const [host = '', symptom = ''] = words.split(' ');
          return { host, symptom: symptom as Symptom, detail: `seen at ${minute}.`, suggestedFix: 'cure\nit' };
        }),
        canTell: (_host, symptom) => !notEvaluated.includes(symptom),
        retired: new Set(retired),
      },
      silences,
      recoveryRuns: 2,
      reminderMs: 3_600_000,
      newId: () => {
        ids += 1;
        return String(ids).padStart(8, '0');
      },
    });
    for (const alert of changed) {
      alerts.set(alert.id, { ...alert, acknowledged: alerts.get(alert.id)?.acknowledged ?? null });
    }
    return events.map(({ alertId, kind }) => {
      const alert = alerts.get(alertId) as AlertOfRun;
      return `${alert.host} ${alert.symptom} ${kind}`;
    });
  });
  return { told, alerts: [...alerts.values()] };
}

const SILENT = ['h1 silent'];
const YEAR = 365 * 24 * 60;

const STORIES: Record<string, Array<[run: Run, ...told: string[]]>> = {
  'fires once, is told, and is resolved by the second run in a row without it': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5, found: SILENT }],
    [{ minute: 10 }],
    [{ minute: 15, found: SILENT }],
    [{ minute: 20 }],
    [{ minute: 25 }, 'h1 silent resolved'],
    [{ minute: 30 }],
  ],
  'after its end it is another one, told at once': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5 }],
    [{ minute: 10 }, 'h1 silent resolved'],
    [{ minute: 15, found: SILENT }, 'h1 silent firing'],
  ],
  'a symptom that was not looked for neither recovers nor is told again': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5 }],
    [{ minute: 90, notEvaluated: ['silent'] }],
    [{ minute: 95, notEvaluated: ['silent'] }],
    [{ minute: 100 }, 'h1 silent resolved'],
  ],
  'held back while the fleet was silent, and too old to be seen when that ends: told then': [
    [{ minute: 0, found: ['* fleet-silent', 'h1 silent'] }, '* fleet-silent firing'],
    [{ minute: 5, notEvaluated: ['silent'] }],
    [{ minute: 10, notEvaluated: ['silent'] }, '* fleet-silent resolved', 'h1 silent firing'],
    [{ minute: 200, notEvaluated: ['silent'] }],
    [{ minute: 205 }],
    [{ minute: 210 }, 'h1 silent resolved'],
  ],
  'a reminder each hour while it is found': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 59, found: SILENT }],
    [{ minute: 60, found: SILENT }, 'h1 silent reminder'],
    [{ minute: 119, found: SILENT }],
    [{ minute: 125 }],
    [{ minute: 130, found: SILENT }, 'h1 silent reminder'],
  ],
  'no reminders of what is acknowledged, and its end is told': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 60, found: SILENT, acknowledged: SILENT }],
    [{ minute: 500, found: SILENT }],
    [{ minute: 505 }],
    [{ minute: 510 }, 'h1 silent resolved'],
  ],
  'silenced: nobody is told, of its end neither': [
    [{ minute: 0, found: SILENT, silences: [silence([-5, 60])] }],
    [{ minute: 5, silences: [silence([-5, 60])] }],
    [{ minute: 10, silences: [silence([-5, 60])] }],
  ],
  'a silence that ends while the fault stands': [
    [{ minute: 0, found: SILENT, silences: [silence([-5, 60])] }],
    [{ minute: 60, found: SILENT, silences: [silence([-5, 60])] }, 'h1 silent firing'],
  ],
  'told, silenced for longer than an hour, told anew': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5, found: SILENT, silences: [silence([1, 90])] }],
    [{ minute: 85, found: SILENT, silences: [silence([1, 90])] }],
    [{ minute: 90, found: SILENT, silences: [silence([1, 90])] }, 'h1 silent firing'],
  ],
  'told, silenced for minutes: not told twice in an hour': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5, found: SILENT, silences: [silence([1, 10])] }],
    [{ minute: 10, found: SILENT }],
    [{ minute: 60, found: SILENT }, 'h1 silent reminder'],
  ],
  'who was told that it fires is told of its end, silenced or not': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: 5, silences: [silence([1, 90])] }],
    [{ minute: 10, silences: [silence([1, 90])] }, 'h1 silent resolved'],
  ],
  'a silence holds for its host and its symptom': [
    [
      { minute: 0, found: ['h1 backlog', 'h2 silent'], silences: [silence([-5, 60], { symptom: 'silent' })] },
      'h1 backlog firing',
      'h2 silent firing',
    ],
    [{ minute: 5, found: ['h2 refused'], silences: [silence([-5, 60], { host: null, symptom: 'refused' })] }],
  ],
  'a receiver that is down explains what its hosts and the fleet show, until it has recovered': [
    [{ minute: 0, found: ['* receiver-down', '* fleet-silent', 'h1 silent', 'h1 refused'] }, '* receiver-down firing'],
    [{ minute: 5, found: SILENT }],
    [{ minute: 10, found: SILENT }, '* receiver-down resolved', 'h1 silent firing'],
  ],
  'a receiver that was not looked at explains on': [
    [{ minute: 0, found: ['* receiver-down'] }, '* receiver-down firing'],
    [{ minute: 5, found: SILENT, notEvaluated: ['receiver-down'] }],
  ],
  'a fleet that fell silent explains silence and backlogs, and no refusals': [
    [
      { minute: 0, found: ['* fleet-silent', 'h1 silent', 'h1 backlog', 'h1 refused', 'h2 unhealthy'] },
      '* fleet-silent firing',
      'h1 refused firing',
      'h2 unhealthy firing',
    ],
  ],
  'the alerts of a retired host end at once, and nobody is told': [
    [{ minute: 0, found: ['h1 silent', 'h2 silent'] }, 'h1 silent firing', 'h2 silent firing'],
    [{ minute: 5, found: ['h2 silent'], retired: ['h1'], notEvaluated: ['silent'] }],
    [{ minute: 10, retired: ['h1'] }],
    [{ minute: 15, retired: ['h1'] }, 'h2 silent resolved'],
  ],
  'a clock a year ahead reminds once, and back again not at all': [
    [{ minute: 0, found: SILENT }, 'h1 silent firing'],
    [{ minute: YEAR, found: SILENT }, 'h1 silent reminder'],
    [{ minute: YEAR + 5, found: SILENT }],
    [{ minute: 10, found: SILENT }],
    [{ minute: 15, found: SILENT }],
    [{ minute: 70, found: SILENT }, 'h1 silent reminder'],
  ],
};

for (const [name, runs] of Object.entries(STORIES)) {
  test(name, () => {
    assert.deepEqual(
      story(runs.map(([run]) => run)).told,
      runs.map(([, ...told]) => told),
    );
  });
}

test('an alert says what the last run found, in the words of its row', () => {
  const { alerts } = story([
    { minute: 0, found: SILENT },
    { minute: 5, found: SILENT, silences: [silence([0, 9], { id: 'a' }), silence([0, 10], { id: 'b' })] },
  ]);
  assert.deepEqual(alerts, [
    {
      id: '00000001',
      host: 'h1',
      symptom: 'silent',
      severity: 'critical',
      detail: 'seen at 5',
      suggestedFix: 'cure it',
      state: 'firing',
      firstAt: at(0),
      lastAt: at(5),
      resolvedAt: null,
      goodRuns: 0,
      suppressedBy: null,
      silencedBy: 'b',
      notifiedAt: at(0),
      acknowledged: null,
    },
  ]);
});

test('a resolved one says when, and is held back by nothing', () => {
  const silences = [silence([-5, 60])];
  const { alerts } = story([
    { minute: 0, found: SILENT, silences },
    { minute: 5, silences },
    { minute: 10, silences },
  ]);
  assert.deepEqual(
    alerts.map(({ state, resolvedAt, lastAt, silencedBy, goodRuns }) => [
      state,
      resolvedAt,
      lastAt,
      silencedBy,
      goodRuns,
    ]),
    [['resolved', at(10), at(0), null, 2]],
  );
});
