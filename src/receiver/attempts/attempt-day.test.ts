import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptDay } from './attempt-day.ts';

const NOW = '2026-05-02T12:07:30.000000+00:00';
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function attempt(minute: string, outcome: string, count = 1, hostId = 'lab-1') {
  return { hostId, minute, outcome, count };
}

/** Quarters with something in them, by their index. */
function filled(day: Record<string, number>[]): [number, Record<string, number>][] {
  assert.equal(day.length, 96);
  return [...day.entries()].filter(([, outcomes]) => Object.keys(outcomes).length > 0);
}

test('by quarter of an hour and outcome, the oldest first; what lies outside of the day is not in it', () => {
  const day = new AttemptDay();
  for (const [minute, outcome, count] of [
    ['2026-05-01T12:14', 'stored', 1],
    ['2026-05-01T12:15', 'stored', 2],
    ['2026-05-02T11:59', 'conflict', 3],
    ['2026-05-02T12:00', 'stored', 4],
    ['2026-05-02T12:07', 'stored', 5],
    ['2026-05-02T12:07', 'too-large', 6],
    ['2026-05-02T12:15', 'stored', 7],
  ] as const) {
    day.add(attempt(minute, outcome, count), 0, 0);
  }
  day.add(attempt('2026-05-02T12:01', 'stored', 100, 'lab-2'), 0, 0);
  assert.deepEqual(filled(day.of('lab-1', NOW)), [
    [0, { stored: 2 }],
    [94, { conflict: 3 }],
    [95, { stored: 9, 'too-large': 6 }],
  ]);
  assert.deepEqual(filled(day.of('nobody', NOW)), []);
  // A quarter of the future is in it once it has come.
  assert.deepEqual(filled(day.of('lab-1', '2026-05-02T12:16:00+00:00')).at(-1), [95, { stored: 7 }]);
});

test('refusals and failures of the receiver of all hosts, apart; hosts with neither are left out', () => {
  const day = new AttemptDay();
  // As many hosts as make the rows grow.
  for (let index = 0; index < 1_000; index += 1) {
    day.add(attempt('2026-05-02T12:00', 'stored', 1, `lab-${index}`), 0, 0);
  }
  day.add(attempt('2026-05-02T12:00', 'conflict', 2, 'lab-999'), 0, 0);
  day.add(attempt('2026-05-02T12:01', 'too-large', 3, 'lab-999'), 0, 0);
  day.add(attempt('2026-05-02T11:00', 'disk-full', 4, 'lab-999'), 0, 0);
  day.add(attempt('2026-05-02T11:00', 'not-ready', 5, 'lab-0'), 0, 0);
  const found = day.refused(NOW);
  assert.deepEqual([...found.keys()].sort(), ['lab-0', 'lab-999']);
  const { refused, failed } = found.get('lab-999') ?? assert.fail();
  assert.deepEqual(
    [...refused.entries()].filter(([, count]) => count > 0),
    [[95, 5]],
  );
  assert.deepEqual(
    [...failed.entries()].filter(([, count]) => count > 0),
    [[91, 4]],
  );
});

test('the day in sum, by host and outcome: no quarter outside of it, nothing that was stored', () => {
  const day = new AttemptDay();
  for (const [minute, outcome, count, hostId] of [
    ['2026-05-01T12:14', 'conflict', 1_000, 'lab-1'],
    ['2026-05-01T12:15', 'conflict', 1, 'lab-1'],
    ['2026-05-02T11:59', 'conflict', 20, 'lab-1'],
    ['2026-05-02T12:00', 'disk-full', 300, 'lab-1'],
    ['2026-05-02T12:15', 'conflict', 4_000, 'lab-1'],
    ['2026-05-02T12:00', 'stored', 1, 'lab-2'],
    ['2026-05-02T12:00', 'duplicate', 1, 'lab-2'],
  ] as const) {
    day.add(attempt(minute, outcome, count, hostId), 0, 0);
  }
  // As many hosts as make later rows wider than earlier ones.
  for (let index = 0; index < 1_000; index += 1) {
    day.add(attempt('2026-05-02T12:07', 'stored', 1, `many-${index}`), 0, 0);
  }
  day.add(attempt('2026-05-02T12:07', 'conflict', 5, 'many-999'), 0, 0);
  assert.deepEqual(
    [...day.refusedSums(NOW)],
    [
      ['lab-1', { conflict: 21, 'disk-full': 300 }],
      ['many-999', { conflict: 5 }],
    ],
  );
});

test('a clock that jumps a year ahead and back takes nothing from the day; what it counted there goes with time', () => {
  const day = new AttemptDay();
  day.add(attempt('2026-05-02T12:00', 'conflict'), 0, 0);
  day.add(attempt('2027-05-02T12:00', 'conflict'), MINUTE_MS, MINUTE_MS);
  assert.deepEqual(filled(day.of('lab-1', NOW)), [[95, { conflict: 1 }]]);
  assert.deepEqual(filled(day.of('lab-1', '2027-05-02T12:07:00+00:00')), [[95, { conflict: 1 }]]);
  day.add(attempt('2026-05-03T12:30', 'stored'), DAY_MS + 30 * MINUTE_MS, DAY_MS + 30 * MINUTE_MS);
  assert.deepEqual(filled(day.of('lab-1', '2027-05-02T12:07:00+00:00')), [], 'it was dropped by its age');
});

test('names that a client makes up do not fill the memory', () => {
  const day = new AttemptDay();
  for (let index = 0; index < 10_000; index += 1)
    day.add(attempt('2026-05-02T12:00', 'conflict', 1, `x${index}`), 0, 0);
  day.add(attempt('2026-05-02T12:00', 'conflict', 1, 'x0'), 0, 0);
  assert.equal(day.refused(NOW).size, 4_000);
  assert.deepEqual(filled(day.of('x0', NOW)), [[95, { conflict: 2 }]]);
});
