// What every MonitorState does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { MonitorState } from '../../src/storage/monitor-state.ts';

export interface MonitorStateUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Promise<MonitorState>;
}

export type OpenMonitorState = (t: TestContext) => Promise<MonitorStateUnderTest>;

const NOW = Date.UTC(2026, 4, 1);
const TTL = 60_000;

export function describeMonitorState(name: string, open: OpenMonitorState): void {
  describe(`MonitorState on ${name}`, () => {
    test('a key is claimed once, by whomever; another key is another', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.equal(await one.claim('k1'), true);
      assert.equal(await one.claim('k1'), false);
      assert.equal(await other.claim('k1'), false);
      assert.equal(await other.claim('k2'), true);
      assert.equal(await one.claim('K1'), true);
    });

    test('of many callers at once exactly one has each key', async (t) => {
      const { another } = await open(t);
      const callers = await Promise.all(Array.from({ length: 4 }, () => another()));
      const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
      const claims = await Promise.all(
        callers.flatMap((caller) => keys.map(async (key) => ((await caller.claim(key)) ? key : undefined))),
      );
      assert.deepEqual(claims.filter((key) => key !== undefined).sort(), keys.sort());
    });

    test('a claim outlives its caller', async (t) => {
      const { another } = await open(t);
      const first = await another();
      assert.equal(await first.claim('k1'), true);
      await first.close();
      assert.equal(await (await another()).claim('k1'), false);
    });

    test('a lease: taken, kept from others, renewed by its holder, taken over once it has run out', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.equal(await one.lease('monitor', 'a', TTL, NOW), true);
      assert.equal(await other.lease('monitor', 'b', TTL, NOW + TTL - 1), false);
      assert.equal(await one.lease('monitor', 'a', TTL, NOW + TTL - 1), true);
      assert.equal(await other.lease('monitor', 'b', TTL, NOW + TTL), false, 'the renewal did not count');
      assert.equal(await other.lease('monitor', 'b', TTL, NOW + 2 * TTL - 2), false);
      assert.equal(await other.lease('monitor', 'b', TTL, NOW + 2 * TTL - 1), true);
      assert.equal(await one.lease('monitor', 'a', TTL, NOW + 2 * TTL), false);
    });

    test('leases of different names are different leases', async (t) => {
      const { another } = await open(t);
      const state = await another();
      assert.equal(await state.lease('one', 'a', TTL, NOW), true);
      assert.equal(await state.lease('two', 'b', TTL, NOW), true);
    });

    test('it is the length of the lease that was taken which counts, not of the one that is asked for', async (t) => {
      const { another } = await open(t);
      const state = await another();
      await state.lease('monitor', 'a', 10 * TTL, NOW);
      assert.equal(await state.lease('monitor', 'b', TTL, NOW + 9 * TTL), false);
      await state.lease('monitor', 'a', TTL, NOW + 9 * TTL);
      assert.equal(await state.lease('monitor', 'b', 10 * TTL, NOW + 10 * TTL), true);
    });

    test('a clock that was set back: a little is borne, a year does not lock everybody out', async (t) => {
      const { another } = await open(t);
      const state = await another();
      await state.lease('monitor', 'a', TTL, NOW);
      assert.equal(await state.lease('monitor', 'b', TTL, NOW - TTL + 1), false);
      assert.equal(await state.lease('monitor', 'b', TTL, NOW - 365 * 86_400_000), true);
    });

    test('of many holders at once exactly one has the lease', async (t) => {
      const { another } = await open(t);
      const callers = await Promise.all(Array.from({ length: 4 }, () => another()));
      const leases = await Promise.all(callers.map((caller, index) => caller.lease('monitor', `h${index}`, TTL, NOW)));
      assert.equal(leases.filter(Boolean).length, 1);
    });
  });
}
