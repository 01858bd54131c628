import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';
import { runChecks, type TimedCheck } from './run-checks.ts';

const check = (run: TimedCheck<string, string>['run']) => ({ timeoutMs: 5_000, run });
const fallbacks = {
  tooLong: (timeoutMs: number) => `late after ${timeoutMs}`,
  couldNotLook: (error: unknown) => `broken: ${error}`,
};

test('each by itself: one that breaks, at once or later, holds up no other', async () => {
  const clock = { ...systemClock, sleep: () => new Promise<void>(() => undefined) };
  const done = await runChecks(
    [
      check(async () => {
        throw new Error('on fire');
      }),
      check(() => {
        throw new Error('at once');
      }),
      check(async (context) => `fine, ${context}`),
    ],
    'really',
    { clock, ...fallbacks },
  );
  assert.deepEqual(
    done.map(({ result }) => result),
    ['broken: Error: on fire', 'broken: Error: at once', 'fine, really'],
  );
  assert.ok(done.every(({ durationMs }) => durationMs >= 0));
});

test('one that does not end is given up after its limit', async () => {
  const never = new Promise<string>(() => undefined);
  const clock = { ...systemClock, sleep: async () => undefined };
  const [done] = await runChecks([check(() => never)], '', { clock, ...fallbacks });
  assert.equal(done?.result, 'late after 5000');
});

test('the limit of one that ends in time is waited for no more', async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => {
      signals.push(signal);
      return new Promise<void>(() => undefined);
    },
  };
  await runChecks([check(async () => 'fine')], '', { clock, ...fallbacks });
  assert.deepEqual(
    signals.map((signal) => signal?.aborted),
    [true],
  );
});
