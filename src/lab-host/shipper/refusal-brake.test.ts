import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalBrake } from './refusal-brake.ts';

/** How many of so many different episodes are let through to quarantine. */
function letThrough(brake: RefusalBrake, code: string, count: number, from = 0): number {
  const ids = Array.from({ length: count }, (_, index) => `e${from + index}`);
  return ids.filter((id) => !brake.isTooMany(code, id)).length;
}

test('nine in a row are believed, the tenth and all after it are not', () => {
  const brake = new RefusalBrake();
  assert.equal(letThrough(brake, 'conflict', 50), 9);
});

test('an episode that is taken begins the row anew', () => {
  const brake = new RefusalBrake();
  assert.equal(letThrough(brake, 'conflict', 12), 9);
  brake.release();
  assert.equal(letThrough(brake, 'conflict', 12, 100), 9);
});

test('another code begins another row', () => {
  const brake = new RefusalBrake();
  assert.equal(letThrough(brake, 'conflict', 9), 9);
  assert.equal(letThrough(brake, 'too-large', 9), 9);
  assert.equal(letThrough(brake, 'conflict', 9), 9);
});

test('one episode that is refused again and again is one', () => {
  const brake = new RefusalBrake();
  for (let times = 0; times < 50; times += 1) assert.equal(brake.isTooMany('conflict', 'same'), false);
});

test('the gate may refuse thousands, and does not begin a row anew', () => {
  const brake = new RefusalBrake();
  for (const code of [
    'commit-missing',
    'commit-malformed',
    'commit-not-in-window',
    'commit-blocked',
    'dirty-refused',
  ]) {
    assert.equal(letThrough(brake, code, 100), 100, code);
  }
  assert.equal(letThrough(brake, 'conflict', 5), 5);
  brake.isTooMany('commit-not-in-window', 'stale');
  assert.equal(letThrough(brake, 'conflict', 20, 5), 4);
});

test('goes on with the row that stood before it', () => {
  const brake = new RefusalBrake({ code: 'conflict', episodeIds: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] });
  assert.equal(letThrough(brake, 'conflict', 12), 2);
  assert.equal(letThrough(new RefusalBrake({ code: 'conflict', episodeIds: ['a'] }), 'too-large', 12), 9);
});
