// Every fault of the table, each planted in a running fleet of its own: named within one tick, cured by what is printed, and well again; and
// no alarm in a thousand ticks over a fleet that is well.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { whyNoMachines } from '../support/machines/machines.ts';
import { PROJECT_ROOT } from '../support/program.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import type { Diagnosis } from './diagnose.ts';
import { startDiagnoses } from './diagnose-all.ts';
import { faultTable } from './fault-table.ts';
import { FAULTS } from './faults/index.ts';
import { runHealthyTicks } from './healthy-ticks.ts';
import { formatScore } from './score.ts';

const why = whyNoMachines();
if (why !== undefined && process.env['CI']) throw new Error(why);
const skip = why ?? false;
let diagnoses = new Map<string, Promise<Diagnosis>>();
// From the beginning: much of their time is waiting, and the ticks use it.
before(() => {
  const root = makeDirectory();
  if (!skip) diagnoses = startDiagnoses(FAULTS, (id) => join(root, id));
});

test('no false alarm in 1,000 healthy ticks, and one host that stays away is told', async () => {
  const { falseAlarms, afterwards } = await runHealthyTicks(makeDirectory(), 1_000, 'each-20-min');
  assert.deepEqual(falseAlarms, []);
  assert.ok(
    afterwards.length > 0 && afterwards.every((line) => line.includes('each-20-min silent')),
    afterwards.join('\n'),
  );
});

test('there are at least thirty faults, each with a name of its own and somebody who names it', () => {
  assert.ok(FAULTS.length >= 30);
  assert.equal(new Set(FAULTS.map(({ id }) => id)).size, FAULTS.length);
  for (const { id, expect } of FAULTS) assert.ok(expect.fleetHealth || expect.doctor, id);
});

test('docs/diagnosis.md has every fault: npm run diagnosis -- --table > docs/diagnosis.md', () => {
  assert.equal(readFileSync(join(PROJECT_ROOT, 'docs/diagnosis.md'), 'utf8'), faultTable());
});

describe('planted faults', () => {
  after(async () => {
    if (!skip) process.stdout.write(formatScore(await Promise.all(diagnoses.values())));
  });
  for (const { id, title } of FAULTS) {
    test(`${id}: ${title}`, { skip }, async () => {
      const diagnosis = await diagnoses.get(id);
      assert.deepEqual(diagnosis?.problems, []);
      const { isDetected, isNamed, isCured } = diagnosis;
      assert.deepEqual({ isDetected, isNamed, isCured }, { isDetected: true, isNamed: true, isCured: true });
    });
  }
});
