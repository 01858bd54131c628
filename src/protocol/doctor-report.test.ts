import assert from 'node:assert/strict';
import { test } from 'node:test';
import { red } from '../lib/self-check/check-result.ts';
import { inCheckForm, overallStatus } from './doctor-report.ts';

test('what came from elsewhere drives no terminal, and is no longer than it may be', () => {
  const evil = '\x1b[2Jgone\u202e\r\nsecond\u009b1m';
  const check = inCheckForm('disk', red(evil, `echo ${evil}`), 1.6);
  assert.deepEqual(
    [check.summary, check.cure, check.duration_ms],
    ['?[2Jgone? second?1m', 'echo ?[2Jgone?\nsecond?1m', 2],
  );
  assert.equal(inCheckForm('disk', red('x'.repeat(1_000))).summary.length, 600);
});

test('the whole is as sick as its gravest check, and never green for want of knowledge', () => {
  const of = (...statuses: Array<'green' | 'yellow' | 'red' | 'unknown'>) =>
    overallStatus(statuses.map((status) => ({ status })));
  assert.deepEqual(
    [of(), of('green', 'green'), of('green', 'unknown'), of('yellow', 'green'), of('unknown', 'red', 'yellow')],
    ['unknown', 'green', 'yellow', 'yellow', 'red'],
  );
});
