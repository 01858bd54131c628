import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../lib/clock.ts';
import { Readiness, type ReadinessParts } from './readiness.ts';
import { createOpenGate } from './version-gate/version-gate.ts';

function setUp() {
  const state = { nowMs: 0, tries: 0, freeBytes: 100, minFreeBytes: 100, isKnown: true, isCaughtUp: true, refuses: '' };
  const blobs = {
    tryWrite: async () => {
      state.tries += 1;
      if (state.refuses !== '') throw new Error(state.refuses);
    },
    freeBytes: async () => state.freeBytes,
  };
  const readiness = new Readiness({
    blobs: blobs as ReadinessParts['blobs'],
    clock: { ...systemClock, monotonicMs: () => state.nowMs },
    current: () => ({
      gate: { ...createOpenGate(), isKnown: () => state.isKnown },
      minFreeBytes: state.minFreeBytes,
    }),
  });
  const ledger = { isCaughtUp: () => state.isCaughtUp };
  return { state, readiness, reasons: () => readiness.reasons(ledger) };
}

const cases: [name: string, change: Partial<ReturnType<typeof setUp>['state']>, reasons: RegExp[]][] = [
  ['nothing', {}, []],
  ['no room', { freeBytes: 99 }, [/^the store has 99 bytes free and keeps 100 in reserve$/]],
  ['a store that takes nothing', { refuses: 'EROFS: read-only' }, [/^the store takes no file: EROFS: read-only$/]],
  ['a gate that knows nothing', { isKnown: false }, [/^the gate has not learnt yet/]],
  ['a ledger that is being read', { isCaughtUp: false }, [/^the ledger is being read/]],
  ['all at once', { isKnown: false, freeBytes: 0 }, [/^the store has 0 bytes/, /^the gate/]],
];

for (const [name, change, expected] of cases) {
  test(`${name} keeps an episode from being stored`, async () => {
    const { state, reasons } = setUp();
    Object.assign(state, change);
    const told = await reasons();
    assert.equal(told.length, expected.length, told.join('\n'));
    for (const [index, reason] of expected.entries()) assert.match(told[index] ?? '', reason);
  });
}

test('asked by many at once, the store is tried once a second; then what has changed is seen', async () => {
  const { state, reasons } = setUp();
  await Promise.all(Array.from({ length: 50 }, () => reasons()));
  state.freeBytes = 0;
  state.nowMs = 1_000;
  assert.deepEqual(await reasons(), []);
  assert.equal(state.tries, 1);
  state.nowMs = 1_001;
  assert.equal((await reasons()).length, 1);
  assert.equal(state.tries, 2);
});

test('a reload counts at the next look', async () => {
  const { state, reasons } = setUp();
  state.minFreeBytes = 1_000;
  assert.equal((await reasons()).length, 1);
  state.minFreeBytes = 10;
  state.nowMs = 2_000;
  assert.deepEqual(await reasons(), []);
});

test('that the ledger has been read is seen at once', async () => {
  const { state, reasons } = setUp();
  state.isCaughtUp = false;
  assert.equal((await reasons()).length, 1);
  state.isCaughtUp = true;
  assert.deepEqual(await reasons(), []);
});
