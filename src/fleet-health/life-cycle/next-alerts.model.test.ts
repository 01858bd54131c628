// Any history of runs, decisions and clocks, against what must hold of every one. A failure prints its seed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatWallTime } from '../../lib/clock.ts';
import type { Symptom } from '../../protocol/alert.ts';
import type { Alert, Silence } from '../../storage/monitor-state.ts';
import { nextAlerts } from './next-alerts.ts';

const SUBJECTS = ['* receiver-down', '* fleet-silent', 'h1 silent', 'h1 refused', 'h2 silent', 'h2 backlog'];
const SYMPTOMS = [...new Set(SUBJECTS.map((subject) => subject.split(' ')[1] as Symptom))];
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const RECOVERY_RUNS = 2;

const runs = fc.array(
  fc.record({
    minutes: fc.constantFrom(5, 5, 5, 30, 61),
    clockStepMs: fc.constantFrom(0, 0, 0, 0, 0, 0, YEAR_MS, -YEAR_MS),
    found: fc.subarray(SUBJECTS),
    evaluated: fc.oneof({ weight: 4, arbitrary: fc.constant(SYMPTOMS) }, fc.subarray(SYMPTOMS)),
    retired: fc.constantFrom(false, false, false, false, true),
    acknowledge: fc.option(fc.constantFrom(...SUBJECTS), { freq: 5 }),
    silence: fc.option(
      fc.record({
        host: fc.constantFrom(null, 'h1', '*'),
        symptom: fc.constantFrom(null, ...SYMPTOMS),
        minutes: fc.constantFrom(10, 90),
      }),
      { freq: 5 },
    ),
  }),
  { minLength: 1, maxLength: 40 },
);
type RunOf<T> = T extends fc.Arbitrary<Array<infer R>> ? R : never;
type GeneratedRun = RunOf<typeof runs>;

const LOOKS_AND_FINDS_NOTHING: GeneratedRun = {
  minutes: 5,
  clockStepMs: 0,
  found: [],
  evaluated: SYMPTOMS,
  retired: false,
  acknowledge: null,
  silence: null,
};

class History {
  readonly alerts = new Map<string, Alert>();
  readonly silences: Silence[] = [];
  /** By alert: what was told of it, and when by a clock that is never set. */
  readonly told = new Map<string, Array<{ kind: string; realMs: number }>>();
  readonly endedByRetirement = new Set<string>();
  realMs = 0;
  ids = 0;
  offsetMs = Date.parse('2026-05-01T12:00:00Z');
  forwardSteps = 0;

  firing(): Alert[] {
    return [...this.alerts.values()].filter(({ state }) => state === 'firing');
  }

  apply(run: GeneratedRun): void {
    this.realMs += run.minutes * 60_000;
    this.offsetMs += run.clockStepMs;
    if (run.clockStepMs > 0) this.forwardSteps += 1;
    const nowMs = this.realMs + this.offsetMs;
    const nowWall = wallTimeOf(nowMs);
    for (const alert of this.firing()) {
      if (`${alert.host} ${alert.symptom}` === run.acknowledge)
        alert.acknowledged = { at: nowWall, by: 'ada', reason: '' };
    }
    if (run.silence) {
      const { host, symptom, minutes } = run.silence;
      const expiresAt = wallTimeOf(nowMs + minutes * 60_000);
      this.silences.push({
        id: `s${this.silences.length}`,
        host,
        symptom,
        reason: '',
        by: '',
        createdAt: nowWall,
        expiresAt,
      });
    }
    const retired = new Set(run.retired ? ['h2'] : []);
    const evaluated = new Set(run.evaluated);
    const findings = run.found
      .map((words) => ({ host: words.split(' ')[0] ?? '', symptom: words.split(' ')[1] as Symptom }))
      .filter(({ host, symptom }) => evaluated.has(symptom) && !retired.has(host))
      .map((subject) => ({ ...subject, detail: 'd', suggestedFix: 'f' }));

    const before = this.firing();
    const { alerts, events } = nextAlerts({
      firing: before,
      run: { nowMs, nowWall, findings, canTell: (_host, symptom) => evaluated.has(symptom), retired },
      silences: this.silences,
      recoveryRuns: RECOVERY_RUNS,
      reminderMs: HOUR_MS,
      newId: () => {
        this.ids += 1;
        return `a${this.ids}`;
      },
    });
    for (const alert of alerts) {
      this.alerts.set(alert.id, { ...alert, acknowledged: this.alerts.get(alert.id)?.acknowledged ?? null });
      if (retired.has(alert.host) && alert.state === 'resolved') this.endedByRetirement.add(alert.id);
    }
    for (const { alertId, kind } of events) {
      this.told.set(alertId, [...(this.told.get(alertId) ?? []), { kind, realMs: this.realMs }]);
    }
    this.#check(before, findings, evaluated, retired, events);
  }

  #check(
    before: readonly Alert[],
    findings: ReadonlyArray<{ host: string; symptom: string }>,
    evaluated: ReadonlySet<Symptom>,
    retired: ReadonlySet<string>,
    events: ReadonlyArray<{ alertId: string; kind: string }>,
  ): void {
    const firing = this.firing();
    const keys = firing.map(({ host, symptom }) => `${host} ${symptom}`);
    assert.equal(new Set(keys).size, keys.length, 'one alert for each fault');
    for (const { host, symptom } of findings) {
      const alert = firing.find((it) => it.host === host && it.symptom === symptom);
      assert.ok(alert, `the fault ${host} ${symptom} has its alert`);
      const isQuiet = alert.suppressedBy !== null || alert.silencedBy !== null;
      const event = events.find(({ alertId }) => alertId === alert.id);
      if (isQuiet || alert.acknowledged) assert.equal(event, undefined, 'nobody is told of what is held back');
      else assert.notEqual(alert.notifiedAt, null, 'what fires and is not held back was told');
    }
    for (const alert of before) {
      if (evaluated.has(alert.symptom) || retired.has(alert.host)) continue;
      const after = this.alerts.get(alert.id);
      assert.deepEqual([after?.state, after?.goodRuns], ['firing', alert.goodRuns]);
      // What was held back when it was found is owed, whether it can be seen now or not.
      if (alert.notifiedAt !== null) assert.equal(after?.notifiedAt, alert.notifiedAt);
    }
  }

  checkAtEnd(): void {
    assert.deepEqual(this.firing(), [], 'what is gone for long enough is resolved');
    for (const alert of this.alerts.values()) {
      const told = this.told.get(alert.id) ?? [];
      const kinds = told.map(({ kind }) => kind);
      const isResolvedTold = kinds.length > 0 && !this.endedByRetirement.has(alert.id);
      assert.equal(kinds.filter((kind) => kind === 'resolved').length, isResolvedTold ? 1 : 0, kinds.join());
      if (isResolvedTold) assert.equal(kinds.at(-1), 'resolved');
      if (kinds.length > 0) assert.equal(kinds[0], 'firing');
      const tooSoon = told.filter(
        ({ kind, realMs }, at) => kind !== 'resolved' && at > 0 && realMs - (told[at - 1]?.realMs ?? 0) < HOUR_MS,
      );
      assert.ok(
        tooSoon.length <= this.forwardSteps,
        'twice in an hour only when the clock went ahead, once for each step',
      );
    }
  }
}

function wallTimeOf(ms: number): string {
  return formatWallTime(Temporal.Instant.fromEpochMilliseconds(ms));
}

test('no alert is lost, none is told twice in an hour, and whoever was told that it fires is told of its end', () => {
  fc.assert(
    fc.property(runs, (generated) => {
      const history = new History();
      for (const run of generated) history.apply(run);
      for (let count = 0; count < RECOVERY_RUNS; count += 1) history.apply(LOOKS_AND_FINDS_NOTHING);
      history.checkAtEnd();
    }),
    { numRuns: 500 },
  );
});
