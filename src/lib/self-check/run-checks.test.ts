import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { type CheckResult, green } from './check-result.ts';
import { runChecks, type TimedCheck } from './run-checks.ts';

const check = (run: TimedCheck<string>['run']) => ({ timeoutMs: 5_000, run });
const again = 'sudo cis490 doctor';
const sleepForEver = () => new Promise<void>(() => undefined);

test('each by itself: one that breaks, at once or later, is unknown and holds up no other', async () => {
  const clock = { ...systemClock, sleep: sleepForEver };
  const done = await runChecks(
    [
      check(async () => {
        throw new Error('the disk is on fire');
      }),
      check(async () => {
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
      }),
      check(() => {
        throw new Error('at once');
      }),
      check(async (context) => green(`fine, ${context}`)),
    ],
    'really',
    { clock, again },
  );
  assert.deepEqual(
    done.map(({ result: { status, summary, cure } }) => [status, summary, cure]),
    [
      ['unknown', 'not known: the disk is on fire', null],
      ['unknown', 'not known: EACCES: permission denied', again],
      ['unknown', 'not known: at once', null],
      ['green', 'fine, really', null],
    ],
  );
  assert.ok(done.every(({ durationMs }) => durationMs >= 0));
});

test('one that does not end is given up after its limit', async () => {
  const never = new Promise<CheckResult>(() => undefined);
  const clock = { ...systemClock, sleep: async () => undefined };
  const [done] = await runChecks([check(() => never)], '', { clock, again });
  assert.deepEqual([done?.result.status, done?.result.summary], ['unknown', 'not known: it did not end within 5 s']);
});

test('the limit of one that ends in time is waited for no more', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => {
      signals.push(signal);
      return sleepForEver();
    },
  };
  await runChecks([check(async () => green('fine'))], '', { clock, again });
  assert.deepEqual(
    signals.map((signal) => signal?.aborted),
    [true],
  );
});
