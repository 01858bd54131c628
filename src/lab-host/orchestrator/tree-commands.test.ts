import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { lookOfTree } from './tree-commands.ts';

test('the look of a tree is another after a change, also where it is longer than 16 MiB', async (t) => {
  const top = temporaryDirectory(t);
  // Each of its files is told with the whole path: few of them are enough.
  const deep = join(top, ...Array.from({ length: 14 }, () => 'd'.repeat(250)));
  mkdirSync(deep, { recursive: true });
  for (let index = 0; index < 5_000; index += 1) writeFileSync(join(deep, `${index}`), '');
  const before = await lookOfTree(top);
  assert.ok(before.length > 16 * 1024 ** 2, `${before.length} characters`);
  assert.equal(await lookOfTree(top), before);
  writeFileSync(join(deep, '0'), 'more');
  assert.notEqual(await lookOfTree(top), before);
});
