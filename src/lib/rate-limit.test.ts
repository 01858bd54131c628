import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from './rate-limit.ts';

function fakeClock() {
  const slept: number[] = [];
  const clock = {
    nowMs: 1_000,
    slept,
    wallTime: () => '',
    monotonicMs: () => clock.nowMs,
    sleep: async (ms: number) => {
      slept.push(ms);
      clock.nowMs += ms;
    },
  };
  return clock;
}

const NEVER = new AbortController().signal;

test('each piece keeps the next one waiting for its own time, in waits of a second', async () => {
  const clock = fakeClock();
  const limit = new RateLimit(1000, clock);
  let looks = 0;
  await limit.used(500, NEVER);
  assert.deepEqual(clock.slept, [500]);
  await limit.used(2_500, NEVER, async () => {
    looks += 1;
  });
  assert.deepEqual(clock.slept, [500, 1000, 1000, 500]);
  assert.equal(looks, 3);
});

test('time that passed unused is not saved up', async () => {
  const clock = fakeClock();
  const limit = new RateLimit(1000, clock);
  await limit.used(1000, NEVER);
  clock.nowMs += 60_000;
  clock.slept.length = 0;
  await limit.used(1000, NEVER);
  assert.deepEqual(clock.slept, [1000]);
});

test('work between the pieces counts against the wait', async () => {
  const clock = fakeClock();
  const limit = new RateLimit(1000, clock);
  await limit.used(1000, NEVER);
  clock.slept.length = 0;
  await limit.used(1000, NEVER);
  clock.nowMs += 300;
  await limit.used(0, NEVER);
  assert.deepEqual(clock.slept, [1000]);
});

test('without a limit, and when it is told to stop, nobody waits', async () => {
  const clock = fakeClock();
  await new RateLimit(Number.POSITIVE_INFINITY, clock).used(10 ** 12, NEVER);
  await new RateLimit(1, clock).used(10 ** 12, AbortSignal.abort());
  assert.deepEqual(clock.slept, []);
});
