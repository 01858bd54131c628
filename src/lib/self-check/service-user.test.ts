import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { RunProgram } from './run-program.ts';
import { findServiceUser, mayUse } from './service-user.ts';

/** `properties`: of cis490-x.service, undefined where systemd cannot be asked. */
const machineWith =
  (properties: string | undefined): RunProgram =>
  async (command, args) => {
    const said = (stdout: string) => ({ kind: 'ended', code: 0, stdout, stderr: '' }) as const;
    if (command === 'systemctl' && args.at(-1) === 'cis490-x.service' && properties !== undefined)
      return said(properties);
    if (command === 'id' && args.at(-1) === 'recorder')
      return said('uid=990(recorder) gid=991(lab) groups=991(lab),101(systemd-journal)\n');
    return { kind: 'ended', code: 1, stdout: '', stderr: '' };
  };

test('the user of the unit where there is one, else whom the directory belongs to', async (t) => {
  const directory = temporaryDirectory(t);
  const find = (properties?: string) => findServiceUser('cis490-x.service', directory, machineWith(properties));
  assert.deepEqual(await find('LoadState=loaded\nUser=recorder\n'), {
    name: 'recorder',
    group: 'lab',
    uid: 990,
    gids: [991, 101],
  });
  for (const properties of ['LoadState=not-found\nUser=recorder\n', 'LoadState=loaded\nUser=\n', undefined])
    assert.equal((await find(properties)).uid, statSync(directory).uid);
});

test('the kernel’s rule: the first class that fits decides', () => {
  const stats = statSync('/');
  const user = { name: 'u', group: 'g', uid: 990, gids: [991] };
  const at = (mode: number, uid: number, gid: number) => Object.assign(Object.create(stats), { mode, uid, gid });
  assert.equal(mayUse(at(0o077, 990, 991), user, 'read'), false, 'its owner may not, though others may');
  assert.equal(mayUse(at(0o070, 1, 991), user, 'read', 'write', 'enter'), true);
  assert.equal(mayUse(at(0o705, 1, 991), user, 'read'), false);
  assert.equal(mayUse(at(0o705, 1, 1), user, 'read', 'enter'), true);
  assert.equal(mayUse(at(0o705, 1, 1), user, 'write'), false);
  assert.equal(mayUse(at(0, 1, 1), { ...user, uid: 0 }, 'write'), true);
});
