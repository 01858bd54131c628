import assert from 'node:assert/strict';
import { test } from 'node:test';
import { episodeState } from './episode-state.ts';

for (const [hasReceipt, hasReason, state] of [
  [false, false, 'published'],
  [false, true, 'condemned'],
  [true, false, 'receipted'],
  [true, true, 'receipted'],
] as const) {
  test(`receipt ${hasReceipt}, reason ${hasReason}: ${state}`, () => {
    assert.equal(episodeState({ hasReceipt, hasReason }), state);
  });
}
