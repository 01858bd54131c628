// Tests that go on with what the one before left, in the order in which they stand: when one fails, those behind it are skipped.

import { type TestContext, test } from 'node:test';
import { canBootMachines } from './containers/booted-machines.ts';

export type Step = (name: string, run: (t: TestContext) => Promise<void>) => void;

/** Steps on machines that boot, of one file. */
export function stepsInOrder(): Step {
  let isBroken = false;
  return (name, run) =>
    void test(name, async (t) => {
      if (!canBootMachines(t)) return;
      if (isBroken) return t.skip('a step before it failed');
      isBroken = true;
      await run(t);
      isBroken = false;
    });
}
