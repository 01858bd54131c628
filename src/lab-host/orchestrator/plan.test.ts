import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Plan, planStarts, type WorkloadState } from './plan.ts';

const workload = (rest: Partial<WorkloadState>): WorkloadState => ({
  name: 'a',
  intervalMs: 100,
  lastStartMs: undefined,
  running: false,
  ...rest,
});

const cases: { title: string; workloads: WorkloadState[]; nowMs: number; plan: Plan }[] = [
  { title: 'nothing to run', workloads: [], nowMs: 0, plan: { start: [], lookAgainAtMs: undefined } },
  { title: 'at once at first', workloads: [workload({})], nowMs: 5, plan: { start: ['a'], lookAgainAtMs: undefined } },
  {
    title: 'not before its interval',
    workloads: [workload({ lastStartMs: 10 })],
    nowMs: 109,
    plan: { start: [], lookAgainAtMs: 110 },
  },
  {
    title: 'when its interval is over',
    workloads: [workload({ lastStartMs: 10 })],
    nowMs: 110,
    plan: { start: ['a'], lookAgainAtMs: undefined },
  },
  {
    title: 'never beside itself',
    workloads: [workload({ lastStartMs: 10, running: true })],
    nowMs: 500,
    plan: { start: [], lookAgainAtMs: undefined },
  },
  {
    title: 'once after missed intervals',
    workloads: [workload({ lastStartMs: 10 })],
    nowMs: 1_000,
    plan: { start: ['a'], lookAgainAtMs: undefined },
  },
  {
    title: 'the earliest of those that wait',
    workloads: [
      workload({ name: 'a', lastStartMs: 50 }),
      workload({ name: 'b', lastStartMs: 20 }),
      workload({ name: 'c' }),
      workload({ name: 'd', lastStartMs: 0, running: true }),
    ],
    nowMs: 60,
    plan: { start: ['c'], lookAgainAtMs: 120 },
  },
];

for (const { title, workloads, nowMs, plan } of cases) {
  test(`plan: ${title}`, () => assert.deepEqual(planStarts(workloads, nowMs), plan));
}

test('plan: whatever the durations, no workload runs twice at a time, too early, or later than it could', () => {
  const schedule = fc.record({
    intervalsMs: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 4 }),
    durationsMs: fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(schedule, ({ intervalsMs, durationsMs }) => {
      const states = intervalsMs.map((intervalMs, index) => workload({ name: `w${index}`, intervalMs }));
      const endsMs = new Map<string, number>();
      let nowMs = 0;
      for (let step = 0; step < 60; step += 1) {
        for (const state of states) state.running = (endsMs.get(state.name) ?? -1) > nowMs;
        const plan = planStarts(states, nowMs);
        for (const state of states) {
          const due = state.lastStartMs === undefined || nowMs - state.lastStartMs >= state.intervalMs;
          assert.equal(plan.start.includes(state.name), due && !state.running);
          if (!plan.start.includes(state.name)) continue;
          state.lastStartMs = nowMs;
          endsMs.set(state.name, nowMs + (durationsMs[step % durationsMs.length] ?? 0));
        }
        if (plan.lookAgainAtMs !== undefined) assert.ok(plan.lookAgainAtMs > nowMs);
        const laterMs = [...endsMs.values(), plan.lookAgainAtMs ?? nowMs].filter((ms) => ms > nowMs);
        nowMs = laterMs.length === 0 ? nowMs + 1 : Math.min(...laterMs);
      }
    }),
  );
});
