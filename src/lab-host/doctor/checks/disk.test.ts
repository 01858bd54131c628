import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { labHost } from '../doctor.fixture.ts';
import { diskCheck } from './disk.ts';

/** As a number of bytes of the disk that the tests use. */
const freeBytes = () => {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
};
const reserve = (bytes: number) => `[shipper]\nmin_free = "${Math.round(bytes)} B"`;

for (const [what, share, status, summary] of [
  ['well above its reserve', 0.1, 'green', /free, min_free is/],
  ['near its reserve', 0.7, 'yellow', /free, min_free is/],
  ['below its reserve', 2, 'red', /no recording starts/],
] as const) {
  test(`a disk ${what} is ${status}`, async (t) => {
    const found = await diskCheck.run(await labHost(t, { toml: reserve(freeBytes() * share) }));
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
    if (status !== 'green')
      assert.match(found.cure ?? '', /^df -h .*data\nsudo du .*\nsudo .*quarantine purge .* --dry-run/);
  });
}

test('BACKPRESSURE is red, and says what it means', async (t) => {
  const context = await labHost(t, { toml: reserve(1) });
  writeFileSync(join(context.layout.root, 'BACKPRESSURE'), '{}');
  const { status, summary, cure } = await diskCheck.run(context);
  assert.equal(status, 'red');
  assert.match(summary, /BACKPRESSURE is there: .*no recording starts/);
  assert.match(cure ?? '', /^sudo systemctl restart cis490-shipper\n/);
});

test('no directory, or one that the service may not write to, is red', async (t) => {
  const context = await labHost(t, { toml: reserve(1) });
  const user = { name: 'recorder', group: 'lab', uid: 54_321, gids: [54_321] };
  const { root } = context.layout;
  chmodSync(root, 0o755);
  const unwritable = await diskCheck.run({ ...context, user });
  assert.equal(unwritable.status, 'red');
  assert.equal(unwritable.summary, `recorder may not write to ${root}`);
  assert.equal(unwritable.cure, `sudo chown recorder:lab ${root}\nsudo chmod u+rwx ${root}`);
  rmSync(root, { recursive: true });
  const absent = await diskCheck.run({ ...context, user });
  const mount = `sudo mount -a && test -d ${root} && sudo systemctl restart cis490-shipper`;
  assert.deepEqual([absent.status, absent.cure], ['red', `findmnt --fstab --verify\n${mount}`]);
  writeFileSync(root, '');
  assert.match((await diskCheck.run(context)).summary, /is no directory/);
});

function onTmpfs(t: TestContext, path: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    if (process.env['CI'] && process.getuid?.() === 0) throw error;
    t.skip('mounting is not permitted here; run as root: sudo npm test');
    return false;
  }
  t.after(() => execFileSync('umount', ['--lazy', path]));
  return true;
}

for (const [what, options, summary, cure] of [
  ['that is mounted read-only', 'size=1m,ro', /is mounted read-only/, /\nsudo mount -o remount,rw .*data$/],
  ['without inodes', 'size=4m,nr_inodes=2', /^\d+ inodes are left of 2/, /^df -i .*data\n/],
] as const) {
  test(`a disk ${what} is red`, async (t) => {
    const context = await labHost(t, { toml: reserve(1) });
    if (!onTmpfs(t, context.layout.root, options)) return;
    if (what === 'without inodes') writeFileSync(join(context.layout.root, 'last'), '');
    const found = await diskCheck.run(context);
    assert.equal(found.status, 'red', found.summary);
    assert.match(found.summary, summary);
    assert.match(found.cure ?? '', cure);
  });
}
