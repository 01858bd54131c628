// 40 random kills with a new seed each time, which a failure prints.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { randomKills } from './random-kills.ts';

test('40 random kills of a receiver and two shippers lose nothing', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`again with: npm run test:crash -- --kills 40 --seed ${seed} --hosts 2`);
  const result = await randomKills({ root: temporaryDirectory(t), kills: 40, seed, hosts: 2 });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(result.faults, []);
  assert.equal(result.stored + result.quarantined, result.published);
  assert.ok(result.published >= 40);
});
