import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountOf } from './mount-of.ts';

const TABLE = `22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw,errors=remount-ro
30 22 259:2 / /var rw - ext4 /dev/a rw
31 30 259:3 / /var/lib/cis490 ro,nosuid - ext4 /dev/b rw
32 30 259:4 / /var/data\\040disk rw shared:7 master:1 - ext4 /dev/c ro,errors=remount-ro
33 32 259:5 / /var/data\\040disk rw - ext4 /dev/d rw
34 22 259:6 / /srv rw - xfs /dev/e ro
`;

test('the innermost mount, the last of several on one place, by the state of the filesystem itself', () => {
  for (const [path, point, isReadOnly] of [
    ['/home', '/', false],
    ['/var/lib', '/var', false],
    // A sandbox's own read-only mount of a filesystem that can be written.
    ['/var/lib/cis490/data', '/var/lib/cis490', false],
    ['/var/lib/cis490-2', '/var', false],
    ['/var/data disk/x', '/var/data disk', false],
    ['/srv/data', '/srv', true],
  ] as const) {
    assert.deepEqual(mountOf(path, TABLE), { point, isReadOnly }, path);
  }
  assert.equal(mountOf('/x', ''), undefined);
});
