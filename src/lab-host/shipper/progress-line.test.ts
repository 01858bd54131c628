import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeProgress, ProgressLine } from './progress-line.ts';

const MIB = 1024 ** 2;

describe('the line', () => {
  for (const [title, [done, total, sentBytes, elapsedS], line] of [
    ['at the start', [0, 4, 0, 0], '[------------------------] 0/4 episodes  0 B  '],
    ['under way', [1, 4, 10 * MIB, 2], '[######------------------] 1/4 episodes  10.0 MiB  5.0 MiB/s  6 s left'],
    [
      'nothing done yet: no time left can be told',
      [0, 4, 512, 2],
      '[------------------------] 0/4 episodes  512 B  256 B/s',
    ],
    ['done', [4, 4, 1024, 1], '[########################] 4/4 episodes  1.0 KiB  1.0 KiB/s'],
    ['minutes left', [1, 2, 0, 61], '[############------------] 1/2 episodes  0 B  0 B/s  1 min 1 s left'],
    ['hours left', [1, 3, 0, 3_690], '[########----------------] 1/3 episodes  0 B  0 B/s  2 h 3 min left'],
    ['seconds are rounded up', [2, 3, 0, 0.2], '[################--------] 2/3 episodes  0 B  0 B/s  1 s left'],
    [
      'more than the largest unit',
      [1, 1, 5_000 * 1024 ** 4, 1],
      '[########################] 1/1 episodes  5000.0 TiB  5000.0 TiB/s',
    ],
    ['a byte in a long time', [0, 1, 1, 100], '[------------------------] 0/1 episodes  1 B  0 B/s'],
  ] satisfies [string, [number, number, number, number], string][]) {
    test(title, () => assert.equal(describeProgress(done, total, sentBytes, elapsedS), line));
  }
});

describe('drawing', () => {
  const CLEAR = '\r\x1b[2K';

  function start() {
    const drawn: string[] = [];
    const clock = { nowMs: 1_000, wallTime: () => '', monotonicMs: () => clock.nowMs, sleep: () => Promise.resolve() };
    return { drawn, clock, line: new ProgressLine({ write: (text) => drawn.push(text) }, clock) };
  }

  test('nothing before the queue is known', () => {
    const { drawn, line } = start();
    line.sent(1);
    assert.deepEqual(drawn, []);
  });

  test('at the start and the end always, between them at most ten times a second', () => {
    const { drawn, clock, line } = start();
    line.counted(0, 3);
    line.sent(1024);
    line.counted(1, 3);
    assert.equal(drawn.length, 1);
    clock.nowMs += 99;
    line.sent(1024);
    assert.equal(drawn.length, 1);
    clock.nowMs += 1;
    line.sent(0);
    line.sent(0);
    assert.equal(drawn[1], CLEAR + describeProgress(1, 3, 2048, 0.1));
    line.counted(2, 3);
    assert.equal(drawn.length, 2);
    line.counted(3, 3);
    assert.equal(drawn[2], CLEAR + describeProgress(3, 3, 2048, 0.1));
    line.clear();
    assert.deepEqual(drawn.slice(3), [CLEAR]);
  });
});
