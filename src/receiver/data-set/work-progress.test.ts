import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { handClock } from './data-set.fixture.ts';
import { describeWork, type Work, WorkProgress } from './work-progress.ts';

const MIB = 1024 ** 2;

test('the line', () => {
  const cases: [Work, bytesBefore: number, elapsedS: number, line: string][] = [
    [
      { what: 'episodes', done: 0, total: 4, bytes: { done: 0, total: 8 * MIB } },
      0,
      0,
      '[------------------------] 0/4 episodes  0 B',
    ],
    [
      { what: 'episodes', done: 1, total: 4, bytes: { done: 2 * MIB, total: 8 * MIB } },
      0,
      2,
      '[######------------------] 1/4 episodes  2.0 MiB  1.0 MiB/s  6 s left',
    ],
    [
      { what: 'episodes', done: 3, total: 4, bytes: { done: 6 * MIB, total: 8 * MIB } },
      4 * MIB,
      2,
      '[##################------] 3/4 episodes  6.0 MiB  1.0 MiB/s  2 s left',
    ],
    [{ what: 'episodes', done: 7, bytes: { done: MIB } }, 0, 1, '7 episodes  1.0 MiB  1.0 MiB/s'],
    [{ what: 'lines', done: 0, total: 0, bytes: { done: 0, total: 0 } }, 0, 1, '0/0 lines  0 B  0 B/s'],
  ];
  for (const [work, before, elapsedS, line] of cases) assert.equal(describeWork(work, before, elapsedS), line);
});

test('without a terminal a line in the log every ten seconds of work, and nothing for short work', () => {
  const clock = handClock();
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line).msg) });
  const progress = new WorkProgress({ name: 'verifying', terminal: undefined, logger, clock });
  for (let second = 0; second <= 25; second += 1) {
    clock.nowMs = second * 1000;
    progress.update({ what: 'episodes', done: second, bytes: { done: second * MIB } });
  }
  progress.clear();
  assert.deepEqual(lines, [
    'verifying: 10 episodes  10.0 MiB  1.0 MiB/s',
    'verifying: 20 episodes  20.0 MiB  1.0 MiB/s',
  ]);
});

test('on a terminal one line is drawn over, and the log is left alone', () => {
  const clock = handClock();
  const drawn: string[] = [];
  const logger = pino({ base: null }, { write: () => assert.fail('it wrote to the log') });
  const progress = new WorkProgress({
    name: 'verifying',
    terminal: { write: (text) => drawn.push(text) },
    logger,
    clock,
  });
  for (const nowMs of [0, 50, 100, 20_000]) {
    clock.nowMs = nowMs;
    progress.update({ what: 'episodes', done: 1, bytes: { done: 0 } });
  }
  progress.clear();
  assert.equal(drawn.length, 4);
  assert.equal(drawn[0], '\r\x1b[2Kverifying 1 episodes  0 B');
  assert.equal(drawn.at(-1), '\r\x1b[2K');
});
