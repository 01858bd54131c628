import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_PACE, BodyPace } from './body-pace.ts';

const LIMITS = { windowMs: 1_000, leastBytes: 100 };

function paceAt(limits = LIMITS) {
  let nowMs = 5_000;
  const pace = new BodyPace(limits, () => nowMs);
  return { pace, pass: (ms: number) => (nowMs += ms) };
}

test('what stands still for a window is too slow, and not a moment before', () => {
  const { pace, pass } = paceAt();
  pace.waits();
  pass(999);
  assert.equal(pace.isTooSlow(), false);
  pass(1);
  assert.equal(pace.isTooSlow(), true);
});

test('a slow body that moves is never too slow, however long it takes', () => {
  const { pace, pass } = paceAt();
  for (let second = 0; second < 100_000; second += 1) {
    for (let piece = 0; piece < 10; piece += 1) {
      pace.waits();
      pass(100);
      pace.arrived(10);
    }
    assert.equal(pace.isTooSlow(), false);
  }
});

test('less than the least in a window is too slow, even when it never pauses', () => {
  const { pace, pass } = paceAt();
  for (let piece = 0; piece < 99; piece += 1) {
    pace.waits();
    pass(10);
    pace.arrived(1);
    assert.equal(pace.isTooSlow(), false);
  }
  pace.waits();
  pass(10);
  assert.equal(pace.isTooSlow(), true);
});

test('a burst does not pay for the windows after it', () => {
  const { pace, pass } = paceAt();
  pace.waits();
  pass(1_000);
  pace.arrived(1_000_000);
  assert.equal(pace.isTooSlow(), false);
  pace.waits();
  pass(1_000);
  assert.equal(pace.isTooSlow(), true);
});

test('the time that our own disk takes does not count', () => {
  const { pace, pass } = paceAt();
  pace.waits();
  pass(10);
  pace.arrived(1);
  pass(1_000_000);
  assert.equal(pace.isTooSlow(), false);
  pace.waits();
  pass(989);
  assert.equal(pace.isTooSlow(), false);
  pass(1);
  assert.equal(pace.isTooSlow(), true);
});

test('a link of 1 KiB/s is far above the limit in force', () => {
  const { pace, pass } = paceAt(BODY_PACE);
  for (let second = 0; second < 3_600; second += 1) {
    pace.waits();
    pass(1_000);
    pace.arrived(1_024);
    assert.equal(pace.isTooSlow(), false);
  }
});
