// A second run waits for the first, and not for ever.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { waitForLock } from './wait-for-lock.ts';

/** Sleeping takes no time; `whenAsleep` is called at each sleep. */
function clockThat(whenAsleep: (sleeps: number) => void): Clock {
  let nowMs = 0;
  let sleeps = 0;
  return {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
      sleeps += 1;
      whenAsleep(sleeps);
    },
  };
}

test('it has the lock when the run before has ended', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await waitForLock(directory, systemClock);
  let waited = 0;
  const second = await waitForLock(
    directory,
    clockThat((sleeps) => {
      waited = sleeps;
      if (sleeps === 3) first.release();
    }),
  );
  assert.equal(waited, 3);
  second.release();
});

test('it gives up after two minutes', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await waitForLock(directory, systemClock);
  let waited = 0;
  const clock = clockThat((sleeps) => {
    waited = sleeps;
  });
  await assert.rejects(waitForLock(directory, clock), { code: 'already-running' });
  assert.equal(waited, 1_200);
  first.release();
});
