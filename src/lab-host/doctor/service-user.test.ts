import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { labHost, systemctl } from './doctor.fixture.ts';
import { mayUse } from './service-user.ts';

const ID = `case "$2" in recorder) echo 'uid=990(recorder) gid=991(lab) groups=991(lab),101(systemd-journal)' ;; *) exit 1 ;; esac`;

test('the user of the unit where there is one, else whom the data belong to', async (t) => {
  const unit = (properties: string) => systemctl({ 'cis490-shipper.service': properties });
  const loaded = await labHost(t, { programs: { id: ID, systemctl: unit('LoadState=loaded User=recorder') } });
  assert.deepEqual(loaded.user, { name: 'recorder', group: 'lab', uid: 990, gids: [991, 101] });
  for (const systemctlScript of [unit('LoadState=not-found User=recorder'), unit('LoadState=loaded User='), 'exit 1']) {
    const { user, layout } = await labHost(t, { programs: { id: ID, systemctl: systemctlScript } });
    assert.equal(user.uid, statSync(layout.root).uid);
  }
});

test('the kernel’s rule: the first class that fits decides', async (t) => {
  const { layout } = await labHost(t);
  const stats = statSync(layout.root);
  const user = { name: 'u', group: 'g', uid: 990, gids: [991] };
  const at = (mode: number, uid: number, gid: number) => Object.assign(Object.create(stats), { mode, uid, gid });
  assert.equal(mayUse(at(0o077, 990, 991), user, 'read'), false, 'its owner may not, though others may');
  assert.equal(mayUse(at(0o070, 1, 991), user, 'read', 'write', 'enter'), true);
  assert.equal(mayUse(at(0o705, 1, 991), user, 'read'), false);
  assert.equal(mayUse(at(0o705, 1, 1), user, 'read', 'enter'), true);
  assert.equal(mayUse(at(0o705, 1, 1), user, 'write'), false);
  assert.equal(mayUse(at(0, 1, 1), { ...user, uid: 0 }, 'write'), true);
});
