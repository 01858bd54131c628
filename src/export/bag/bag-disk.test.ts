import assert from 'node:assert/strict';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../export.fixture.ts';
import { systemDisk } from './bag-disk.ts';

test('a disk ignores case when a file is there under a name in the other case, too; nothing of the look stays', async (t) => {
  const directory = makeDirectory(t);
  assert.equal(await systemDisk.ignoresCase(directory), false);
  assert.deepEqual(readdirSync(directory), []);
  symlinkSync('case-probe', join(directory, 'CASE-PROBE'));
  assert.equal(await systemDisk.ignoresCase(directory), true);
  assert.deepEqual(readdirSync(directory), ['CASE-PROBE']);
});
