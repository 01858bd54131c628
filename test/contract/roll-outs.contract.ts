// What every RollOuts does, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { RollOut, RollOuts } from '../../src/storage/roll-out.ts';

export interface RollOutsUnderTest {
  /** Another caller of the same state, as another process would be. */
  another(): Promise<RollOuts>;
}

const T1 = '2026-05-01T00:00:00.000000+00:00';
const A: RollOut = { commit: 'a'.repeat(40), percent: 10, paused: false, decidedAt: T1, by: 'ada' };
const B: RollOut = { commit: 'b'.repeat(64), percent: 0, paused: true, decidedAt: T1, by: 'bob' };

export function describeRollOuts(name: string, open: (t: TestContext) => Promise<RollOutsUnderTest>): void {
  describe(`RollOuts on ${name}`, () => {
    test('a decision is seen by every caller at once, and replaces the one before of its commit alone', async (t) => {
      const { another } = await open(t);
      const [one, other] = [await another(), await another()];
      assert.deepEqual(await other.list(), []);
      await one.put(B);
      await one.put(A);
      assert.deepEqual(await other.list(), [A, B]);
      const later = { ...A, percent: 100, paused: true, by: 'bob' };
      await other.put(later);
      assert.deepEqual(await one.list(), [later, B]);
    });

    test('it outlives its caller', async (t) => {
      const { another } = await open(t);
      const first = await another();
      await first.put(A);
      await first.close();
      assert.deepEqual(await (await another()).list(), [A]);
    });

    for (const percent of [-1, 101]) {
      test(`${percent} percent is refused`, async (t) => {
        const rollOuts = await (await open(t)).another();
        await assert.rejects(rollOuts.put({ ...A, percent }));
        assert.deepEqual(await rollOuts.list(), []);
      });
    }
  });
}
