import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.ts';
import { acquireExclusiveLock } from '../../../lib/exclusive-lock.ts';
import { readLocks, shipperLife } from './shipper-runs.ts';

const LINES = `1: POSIX  ADVISORY  WRITE 24439 fe:00:77 1073741824 1073742335
2: POSIX  ADVISORY  READ  24440 fe:00:78 1073741826 1073742335
3: FLOCK  ADVISORY  WRITE 24441 fe:00:79 0 EOF
4: POSIX  ADVISORY  WRITE 0 00:1f:80 1073741824 1073742335
`;

const LOCKS: [name: string, inode: bigint, life: ReturnType<typeof readLocks>][] = [
  ['held', 77n, { kind: 'runs', pid: 24439 }],
  ['of another file', 7n, { kind: 'stopped' }],
  ['looked at by a reader', 78n, { kind: 'stopped' }],
  ["another program's", 79n, { kind: 'stopped' }],
  ['held from another container', 80n, { kind: 'unknown' }],
];
for (const [name, inode, life] of LOCKS) {
  test(`a lock ${name}`, () => assert.deepEqual(readLocks(LINES, inode), life));
}

test('the lock of a real holder, and its end', { skip: process.platform !== 'linux' && 'needs Linux' }, async (t) => {
  const root = temporaryDirectory(t);
  assert.deepEqual(await shipperLife(root), { kind: 'stopped' });
  const lock = acquireExclusiveLock(root, 'shipper');
  assert.deepEqual(await shipperLife(root), { kind: 'runs', pid: process.pid });
  lock.release();
  assert.deepEqual(await shipperLife(root), { kind: 'stopped' });
});
