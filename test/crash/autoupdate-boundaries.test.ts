// SIGKILL of an update after each of its steps, one by one: the old or the new release is whole and in force at every moment, and the next
// run, or the guard alone, needs no hand.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NEW, OLD, PLATFORM, UpdateBench } from '../../src/lab-host/autoupdate/autoupdate.fixture.ts';
import { ROLL_BACK_STEPS, UPDATE_STEPS, type UpdateStep } from '../../src/lab-host/autoupdate/update-step.ts';
import { faultOfTree } from '../../src/lab-host/autoupdate/verify-tree.ts';
import { Program } from '../support/program.ts';

const script = join(import.meta.dirname, '../support/killed-autoupdate.main.ts');
const WAITS = '{"started_at_wall":"STARTED","shipped":0,"waiting":3}';

/** What is in force after the kill, and whether it is on trial. */
const LEFT_AFTER: Record<UpdateStep, { inForce: string; isOnTrial: boolean }> = {
  asked: { inForce: OLD, isOnTrial: false },
  verified: { inForce: OLD, isOnTrial: false },
  'download-begun': { inForce: OLD, isOnTrial: false },
  downloaded: { inForce: OLD, isOnTrial: false },
  'unpack-begun': { inForce: OLD, isOnTrial: false },
  unpacked: { inForce: OLD, isOnTrial: false },
  placed: { inForce: OLD, isOnTrial: false },
  tested: { inForce: OLD, isOnTrial: false },
  recorded: { inForce: OLD, isOnTrial: true },
  switched: { inForce: NEW, isOnTrial: true },
  'units-placed': { inForce: NEW, isOnTrial: true },
  restarted: { inForce: NEW, isOnTrial: true },
  watched: { inForce: NEW, isOnTrial: true },
  confirmed: { inForce: NEW, isOnTrial: false },
  pruned: { inForce: NEW, isOnTrial: false },
  'back-decided': { inForce: NEW, isOnTrial: true },
  'back-switched': { inForce: OLD, isOnTrial: true },
  'back-restarted': { inForce: OLD, isOnTrial: true },
  'rolled-back': { inForce: OLD, isOnTrial: false },
};

async function killAfterStep(bench: UpdateBench, step: UpdateStep): Promise<void> {
  const update = Program.script(script, [bench.configPath, bench.installRoot, step], bench.environment);
  assert.equal((await update.ended).signal, 'SIGKILL', `it was not killed after ${step}:\n${update.stderr}`);
  // The killed one's wall clock was the machine's.
  bench.nowMs = Date.now() - Date.parse('2026-05-01T00:00:00Z');
  const { inForce, isOnTrial } = LEFT_AFTER[step];
  await isInForce(bench, inForce);
  assert.equal(pendingOf(bench) !== undefined, isOnTrial);
}

async function isInForce(bench: UpdateBench, commit: string): Promise<void> {
  assert.equal(bench.current, commit);
  assert.equal(await faultOfTree(join(bench.base, 'current'), { commit, platform: PLATFORM }), undefined);
}

function pendingOf(bench: UpdateBench) {
  return existsSync(bench.statePath) ? (bench.state.pending ?? undefined) : undefined;
}

/** Until it has nothing left to count. */
function guardTicks(bench: UpdateBench): void {
  for (let n = 0; n < 20 && pendingOf(bench); n += 1) {
    const { status } = spawnSync(join(bench.base, 'guard/update-guard.sh'), ['tick'], { env: bench.environment });
    assert.equal(status, 0);
  }
  assert.equal(pendingOf(bench), undefined);
}

describe('an update that goes well, killed', () => {
  for (const step of UPDATE_STEPS) {
    test(`after ${step}`, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7);
      await killAfterStep(bench, step);
      const { report } = await bench.run();
      const isOver = step === 'confirmed' || step === 'pruned';
      assert.equal(report.result, isOver ? 'current' : 'updated', bench.log.join('\n'));
      await isInForce(bench, NEW);
      assert.deepEqual([pendingOf(bench), bench.state.highest_release_number, bench.state.bad], [undefined, 7, []]);
      assert.deepEqual(readdirSync(join(bench.base, 'releases')).sort(), ['.incoming', OLD, NEW]);
      assert.deepEqual(readdirSync(join(bench.base, 'releases/.incoming')), []);
      // What is on the disk whole is not fetched again.
      const isFetched = !['asked', 'verified', 'download-begun'].includes(step);
      const fetches = bench.requests.filter((request) => !request.includes('/head'));
      assert.equal(fetches.length, isFetched ? 1 : step === 'download-begun' ? 2 : 1);
    });

    test(`after ${step}, and nothing but the guard comes after it`, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7);
      await killAfterStep(bench, step);
      guardTicks(bench);
      await isInForce(bench, step === 'confirmed' || step === 'pruned' ? NEW : OLD);
    });
  }
});

describe('a release that is taken back, killed', () => {
  for (const step of ROLL_BACK_STEPS) {
    test(`after ${step}`, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7, { shipperState: WAITS });
      await killAfterStep(bench, step);
      // It would do well now: what was found bad is not watched again.
      writeFileSync(join(bench.base, 'releases', NEW, 'behaviour/shipper-state.json'), WAITS.replace('3', '0'));
      const { report } = await bench.run();
      assert.equal(report.result, step === 'rolled-back' ? 'left-alone' : 'rolled-back', bench.log.join('\n'));
      await isInForce(bench, OLD);
      const { pending, last, bad, trial } = bench.state;
      assert.deepEqual([pending, trial, last?.result], [null, undefined, 'rolled-back']);
      assert.deepEqual([bad?.length, bad?.[0]?.commit, bad?.[0]?.tries], [1, NEW, 1]);
    });

    test(`after ${step}, and nothing but the guard comes after it`, async (t) => {
      const bench = await UpdateBench.create(t);
      await bench.offer(NEW, 7, { shipperState: WAITS });
      await killAfterStep(bench, step);
      guardTicks(bench);
      await isInForce(bench, OLD);
    });
  }
});
