import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import type { AttemptCount, AttemptIncrement, Attempts } from '../../storage/attempts.ts';
import { AttemptCounter } from './attempt-counter.ts';

const START_MS = Date.parse('2026-05-01T12:00:30Z');

/** Time passes only in `pass`, which ends the counter's sleep and waits for the next one. */
function setUp(stored: AttemptCount[] = []) {
  let nowMs = 0;
  let wallAheadMs = 0;
  let isFailing = false;
  const added: AttemptIncrement[] = [];
  const forgotten: string[] = [];
  const lines: string[] = [];
  const changed: string[] = [];
  const reads: string[] = [];
  let wake = () => {};
  let slept = Promise.withResolvers<void>();
  const stop = new AbortController();
  const clock: Clock = {
    wallTime: () => formatWallTime(Temporal.Instant.fromEpochMilliseconds(START_MS + wallAheadMs + nowMs)),
    monotonicMs: () => nowMs,
    sleep: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      slept.resolve();
      if (stop.signal.aborted) resolve();
      await promise;
    },
  };
  const attempts: Attempts = {
    add: async (increments) => {
      if (isFailing) throw new Error('disk full');
      added.push(...increments.map((increment) => ({ ...increment })));
    },
    forgetBefore: async (minute) => {
      forgotten.push(minute);
    },
    read: async ({ fromMinute, toMinute }) => {
      reads.push(`${fromMinute} ${toMinute}`);
      // As the store has them: those that were counted since, too.
      return [...stored, ...added].filter(({ minute }) => minute >= fromMinute && minute <= toMinute);
    },
  };
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line) });
  const counter = new AttemptCounter(attempts, clock, logger, { hostChanged: (hostId) => changed.push(hostId) });
  const running = counter.run(stop.signal);
  return {
    counter,
    added,
    forgotten,
    lines,
    changed,
    reads,
    fail: (value: boolean) => {
      isFailing = value;
    },
    asleep: async () => await slept.promise,
    pass: async (ms: number) => {
      await slept.promise;
      slept = Promise.withResolvers<void>();
      nowMs += ms;
      wake();
      await slept.promise;
    },
    /** Nobody sleeps for it. */
    age: (ms: number) => {
      nowMs += ms;
    },
    /** The wall clock alone is set. */
    setWall: (aheadMs: number) => {
      wallAheadMs = aheadMs;
    },
    end: async () => {
      stop.abort();
      wake();
      await running;
    },
  };
}

test('counts are written once a second, one increment for each host, minute and outcome', async () => {
  const { counter, added, pass, end } = setUp();
  for (let index = 0; index < 3; index += 1) counter.count('lab-1', 'stored');
  counter.count('lab-1', 'commit-missing');
  counter.count('lab-2', 'stored');
  assert.deepEqual(added, []);
  await pass(1_000);
  assert.deepEqual(added, [
    { hostId: 'lab-1', minute: '2026-05-01T12:00', outcome: 'stored', count: 3 },
    { hostId: 'lab-1', minute: '2026-05-01T12:00', outcome: 'commit-missing', count: 1 },
    { hostId: 'lab-2', minute: '2026-05-01T12:00', outcome: 'stored', count: 1 },
  ]);
  await pass(1_000);
  assert.equal(added.length, 3);
  await end();
});

test('the stop writes nothing; what is counted until all is answered is written at the close', async () => {
  const { counter, added, asleep, end } = setUp();
  await asleep();
  counter.count('lab-1', 'stored');
  await end();
  assert.deepEqual(added, []);
  counter.count('lab-1', 'stored');
  await counter.close();
  assert.deepEqual(added, [{ hostId: 'lab-1', minute: '2026-05-01T12:00', outcome: 'stored', count: 2 }]);
  await counter.close();
  assert.equal(added.length, 1);
});

test('counts that could not be written are kept, told once, and written with those that came since', async () => {
  const { counter, added, lines, fail, pass, end } = setUp();
  await pass(1_000);
  fail(true);
  for (let second = 0; second < 5; second += 1) {
    counter.count('lab-1', 'stored');
    await pass(1_000);
  }
  assert.equal(lines.filter((line) => line.includes('could not be written')).length, 1);
  fail(false);
  counter.count('lab-1', 'stored');
  await pass(1_000);
  assert.deepEqual(added, [{ hostId: 'lab-1', minute: '2026-05-01T12:00', outcome: 'stored', count: 6 }]);
  assert.equal(lines.filter((line) => line.includes('written again')).length, 1);
  await end();
});

test('a store that fails for days does not fill the memory: what is older than the views is let go', async () => {
  const { counter, added, fail, pass, end } = setUp();
  fail(true);
  counter.count('lab-1', 'stored');
  await pass(2 * 3_600_000);
  counter.count('lab-1', 'stored');
  fail(false);
  await pass(1_000);
  assert.deepEqual(
    added.map(({ minute }) => minute),
    ['2026-05-01T14:00'],
  );
  await end();
});

test('the views see the minutes asked for, those before the start included, and no older ones', async () => {
  const { counter, asleep, age, end } = setUp([
    { hostId: 'lab-1', minute: '2026-05-01T11:40', outcome: 'stored', count: 7 },
    { hostId: 'lab-1', minute: '2026-05-01T11:20', outcome: 'stored', count: 100 },
    { hostId: 'lab-3', minute: '2026-05-01T10:59', outcome: 'stored', count: 1_000 },
  ]);
  await asleep();
  counter.count('lab-1', 'stored');
  counter.count('lab-1', 'conflict');
  assert.deepEqual([...counter.recent(30)], [['lab-1', { stored: 8, conflict: 1 }]]);
  assert.deepEqual([...counter.recent(60)], [['lab-1', { stored: 108, conflict: 1 }]]);
  age(29 * 60_000);
  assert.deepEqual([...counter.recent(30)], [['lab-1', { stored: 1, conflict: 1 }]]);
  age(60_000);
  assert.deepEqual([...counter.recent(30)], []);
  await end();
});

const YEAR_MS = 365 * 24 * 3_600_000;

test('what a clock counted in the future stands in no window once it was set back, and goes with time', async () => {
  const { counter, asleep, age, setWall, end } = setUp();
  await asleep();
  setWall(YEAR_MS);
  counter.count('lab-1', 'stored');
  assert.deepEqual([...counter.recent(30)], [['lab-1', { stored: 1 }]]);
  setWall(0);
  assert.deepEqual([...counter.recent(30)], []);
  age(2 * 3_600_000);
  counter.count('lab-1', 'stored');
  setWall(YEAR_MS - 2 * 3_600_000);
  assert.deepEqual([...counter.recent(30)], [], 'it was dropped by its age');
  await end();
});

test('a clock that jumps a year ahead and back takes nothing from the recent minutes, nor from those not written', async () => {
  const { counter, added, fail, pass, setWall, end } = setUp();
  fail(true);
  counter.count('lab-1', 'stored');
  setWall(YEAR_MS);
  counter.count('lab-1', 'conflict');
  await pass(1_000);
  setWall(0);
  fail(false);
  await pass(1_000);
  assert.deepEqual([...counter.recent(30)], [['lab-1', { stored: 1 }]]);
  assert.deepEqual(added.map(({ outcome }) => outcome).sort(), ['conflict', 'stored']);
  await end();
});

test('what is older than seven days is forgotten, once an hour', async () => {
  const { forgotten, pass, end } = setUp();
  await pass(1_000);
  assert.deepEqual(forgotten, []);
  await pass(3_600_000);
  await pass(1_000);
  assert.deepEqual(forgotten, ['2026-04-24T13:00']);
  await pass(3_600_000);
  assert.deepEqual(forgotten, ['2026-04-24T13:00', '2026-04-24T14:00']);
  await end();
});

test('a clock that jumps a year ahead makes nothing old, however long it stands there', async () => {
  const { forgotten, pass, setWall, end } = setUp();
  await pass(1_000);
  setWall(YEAR_MS);
  await pass(3_600_000);
  await pass(3_600_000);
  setWall(0);
  await pass(3_600_000);
  assert.deepEqual(forgotten, ['2026-04-24T13:00', '2026-04-24T14:00', '2026-04-24T15:00']);
  await end();
});

test('a clock that is a year ahead at the start and is set within the hour makes nothing old', async () => {
  const { forgotten, pass, setWall, end } = setUp();
  setWall(YEAR_MS);
  await pass(1_000);
  setWall(0);
  await pass(3_600_000);
  assert.deepEqual(forgotten, ['2026-04-24T13:00']);
  await end();
});

test('the day: what was counted before the start is read in the background a minute at a time, and nothing of it twice', async () => {
  const { counter, reads, asleep, pass, end } = setUp([
    { hostId: 'lab-1', minute: '2026-05-01T11:59', outcome: 'conflict', count: 2 },
    { hostId: 'lab-1', minute: '2026-05-01T10:30', outcome: 'too-large', count: 3 },
    { hostId: 'lab-2', minute: '2026-04-30T12:20', outcome: 'disk-full', count: 4 },
    { hostId: 'lab-1', minute: '2026-04-30T12:00', outcome: 'too-large', count: 1_000 },
  ]);
  counter.count('lab-1', 'conflict');
  await asleep();
  counter.count('lab-1', 'conflict');
  // Written while the rest of the day is read.
  await pass(1_000);
  while (reads.length <= 24 * 60) await nextTurn();
  await end();
  const day = counter.day('lab-1');
  assert.equal(day.length, 96);
  assert.deepEqual(day.slice(-7), [{ 'too-large': 3 }, {}, {}, {}, {}, { conflict: 2 }, { conflict: 2 }]);
  assert.ok(day.slice(0, -7).every((outcomes) => Object.keys(outcomes).length === 0));
  assert.equal(counter.refusedDay().get('lab-2')?.failed[0], 4);
  for (const [from = '', to] of reads.map((read) => read.split(' '))) assert.equal(from, to);
});

test('who looks is told of each attempt that did not store: of what is stored the ledger tells', async () => {
  const { counter, changed, end } = setUp();
  for (const outcome of ['stored', 'duplicate', 'conflict']) counter.count(`lab-${outcome}`, outcome);
  assert.deepEqual(changed, ['lab-duplicate', 'lab-conflict']);
  await end();
});

test('refusals in sum: of the last hour and of the day, for all hosts, without what was stored', async () => {
  const { counter, asleep, pass, reads, end } = setUp([
    { hostId: 'lab-1', minute: '2026-05-01T11:01', outcome: 'conflict', count: 2 },
    { hostId: 'lab-1', minute: '2026-05-01T11:00', outcome: 'conflict', count: 3 },
    { hostId: 'lab-2', minute: '2026-04-30T12:20', outcome: 'disk-full', count: 4 },
  ]);
  await asleep();
  counter.count('lab-1', 'conflict');
  counter.count('lab-3', 'stored');
  await pass(1_000);
  while (reads.length <= 24 * 60) await nextTurn();
  await end();
  const { hour, day } = counter.refusedSums();
  assert.deepEqual([...hour], [['lab-1', { conflict: 3 }]]);
  assert.deepEqual([...day].toSorted(), [
    ['lab-1', { conflict: 6 }],
    ['lab-2', { 'disk-full': 4 }],
  ]);
});

test('refusals are summed once for all who look within a second, and anew once something was refused', async () => {
  const { counter, age, asleep, end } = setUp();
  await asleep();
  counter.count('lab-1', 'conflict');
  const first = counter.refusedSums();
  counter.count('lab-1', 'stored');
  age(999);
  assert.equal(counter.refusedSums(), first);
  counter.count('lab-1', 'conflict');
  assert.deepEqual([...counter.refusedSums().day], [['lab-1', { conflict: 2 }]]);
  const second = counter.refusedSums();
  age(1_000);
  assert.notEqual(counter.refusedSums(), second);
  age(3_600_000);
  assert.deepEqual([...counter.refusedSums().hour], []);
  await end();
});
