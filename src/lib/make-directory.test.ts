import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from './make-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'cis490-test-'));
after(() => rmSync(root, { recursive: true }));

test('makes all that leads to it, and is content with what is there', async () => {
  await makeDirectory(join(root, 'a/b/c'));
  await makeDirectory(join(root, 'a/b/c'));
  assert.ok(statSync(join(root, 'a/b/c')).isDirectory());
});

test('a file on the way is told, with the path and a command', async () => {
  writeFileSync(join(root, 'file'), '');
  await assert.rejects(makeDirectory(join(root, 'file/x')), {
    code: 'cannot-make-directory',
    message: new RegExp(`${root}/file/x cannot be made: ENOTDIR`),
    hint: /ls -ld/,
  });
});

test('a parent that takes no directories ends it: /proc says ENOENT', async () => {
  await assert.rejects(makeDirectory('/proc/nope/x'), { code: 'cannot-make-directory' });
});
