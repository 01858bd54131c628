// Real directories: what comes along, what is left as it is, and what never lies there half.

import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { copyTree } from './copy-tree.ts';

function authority(t: TestContext): { from: string; to: string } {
  const root = temporaryDirectory(t);
  const from = join(root, 'ca');
  mkdirSync(join(from, 'sets/1'), { recursive: true });
  writeFileSync(join(from, 'sets/1/ca.key'), 'key 1', { mode: 0o600 });
  symlinkSync('sets/1', join(from, 'set'));
  writeFileSync(join(from, '.lock.db'), '');
  chmodSync(from, 0o700);
  return { from, to: join(root, 'copy') };
}

test('files with their modes, links as links, nothing that begins with a dot', async (t) => {
  const { from, to } = authority(t);
  await copyTree(from, to);
  assert.deepEqual(readdirSync(to), ['set', 'sets']);
  assert.equal(readlinkSync(join(to, 'set')), 'sets/1');
  assert.equal(readFileSync(join(to, 'set/ca.key'), 'utf8'), 'key 1');
  assert.deepEqual(
    [to, join(to, 'set/ca.key')].map((path) => statSync(path).mode & 0o777),
    [0o700, 0o600],
  );
});

test('again: what changed is changed by a rename, a link leads on, what went stays', async (t) => {
  const { from, to } = authority(t);
  writeFileSync(join(from, 'note'), 'old');
  await copyTree(from, to);
  const before = statSync(join(to, 'note')).ino;
  const kept = statSync(join(to, 'sets/1/ca.key')).ino;
  writeFileSync(join(from, 'note'), 'new, and longer');
  mkdirSync(join(from, 'sets/2'));
  writeFileSync(join(from, 'sets/2/ca.key'), 'key 2');
  rmSync(join(from, 'set'));
  symlinkSync('sets/2', join(from, 'set'));
  rmSync(join(from, 'sets/1'), { recursive: true });
  await copyTree(from, to);
  assert.equal(readFileSync(join(to, 'note'), 'utf8'), 'new, and longer');
  assert.notEqual(statSync(join(to, 'note')).ino, before);
  assert.equal(readFileSync(join(to, 'set/ca.key'), 'utf8'), 'key 2');
  assert.equal(statSync(join(to, 'sets/1/ca.key')).ino, kept);
});

test('of the same size, with another time of change: copied', async (t) => {
  const { from, to } = authority(t);
  writeFileSync(join(from, 'gate.json'), 'aaa');
  utimesSync(join(from, 'gate.json'), 1, 1);
  await copyTree(from, to);
  writeFileSync(join(from, 'gate.json'), 'bbb');
  await copyTree(from, to);
  assert.equal(readFileSync(join(to, 'gate.json'), 'utf8'), 'bbb');
});

test('a single file; one that is not there', async (t) => {
  const { from, to } = authority(t);
  await copyTree(join(from, 'sets/1/ca.key'), to);
  assert.equal(readFileSync(to, 'utf8'), 'key 1');
  await copyTree(join(from, 'nowhere'), `${to}.2`);
  assert.equal(statSync(`${to}.2`, { throwIfNoEntry: false }), undefined);
});
