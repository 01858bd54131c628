import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handClock } from '../export.fixture.ts';
import { Patience } from './patience.ts';

const never = new AbortController().signal;

test('growing pauses with full jitter, up to half a minute', async () => {
  const clock = handClock();
  const patience = new Patience(clock, () => 0.5);
  for (const failures of [1, 2, 3, 4, 7, 100]) await patience.pause(failures, 0, never);
  assert.deepEqual(clock.slept, [250, 500, 1000, 2000, 15_000, 15_000]);
});

test('the receiver’s own word is waited for, within reason', async () => {
  const clock = handClock();
  const patience = new Patience(clock, () => 0);
  for (const askedForS of [7, 86_400]) await patience.pause(1, askedForS, never);
  assert.deepEqual(clock.slept, [7000, 300_000]);
});

test('a receiver that is known to be one has ten minutes for its first good answer, however often it refuses', () => {
  const clock = handClock();
  const patience = new Patience(clock, Math.random);
  patience.begin();
  clock.nowMs += 600_000;
  assert.equal(patience.isExhausted, false);
  patience.begin();
  clock.nowMs += 1;
  assert.equal(patience.isExhausted, true);
});

test('none for who has never answered; ten minutes from what came last', () => {
  const clock = handClock();
  const patience = new Patience(clock, Math.random);
  assert.equal(patience.isExhausted, true);
  patience.progressed();
  clock.nowMs += 600_000;
  assert.equal(patience.isExhausted, false);
  clock.nowMs += 1;
  assert.equal(patience.isExhausted, true);
  patience.progressed();
  assert.equal(patience.isExhausted, false);
});
