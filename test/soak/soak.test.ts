// A short soak with a new seed each time, which a failure prints. It ends after so many faults, however long they take.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { soak } from './soak.ts';

test('24 faults of all kinds under a receiver and four shippers lose nothing', async (t) => {
  const seed = 1 + (Date.now() % 1_000_000);
  t.diagnostic(`again with: npm run soak -- --faults 24 --seed ${seed} --hosts 4`);
  const lines: string[] = [];
  const result = await soak({
    root: temporaryDirectory(t),
    seed,
    hosts: 4,
    length: { faults: 24 },
    stop: t.signal,
    onProgress: (line) => lines.push(line),
  });
  assert.deepEqual(result.faults, [], lines.join('\n'));
  assert.equal(result.stored, result.published);
  assert.ok(result.published >= 24, `${result.published} published`);
  const done = Object.values(result.faultsDone).reduce((sum, count) => sum + count, 0);
  assert.equal(done, 24);
});
