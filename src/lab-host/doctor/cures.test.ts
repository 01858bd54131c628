import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { createCures } from './cures.ts';

test('paths that hold whatever the release, and the bare name where it is this program', (t) => {
  const root = temporaryDirectory(t);
  const installRoot = join(root, 'releases', 'abc');
  mkdirSync(join(installRoot, 'bin'), { recursive: true });
  writeFileSync(join(installRoot, 'bin', 'cis490'), '');
  mkdirSync(join(root, 'path'));
  symlinkSync(join(installRoot, 'bin', 'cis490'), join(root, 'path', 'cis490'));
  const configPath = '/etc/cis490/lab-host.toml';
  const installed = createCures({ configPath, installRoot, environment: { PATH: `/nowhere:${root}/path` } });
  assert.equal(installed.cis490('doctor'), 'sudo cis490 doctor');
  assert.equal(installed.installer, `sudo ${root}/scripts/install-lab-host.sh`);
  const byHand = ['sudoedit /etc/cis490/lab-host.toml', installed.installer, 'sudo systemctl start cis490-autoupdate'];
  assert.deepEqual(installed.update, byHand);
  const environment = { PATH: '/nowhere' };
  const updating = createCures({ configPath, installRoot, environment, updatesItself: true });
  assert.deepEqual(updating.update, ['sudo systemctl start cis490-autoupdate']);
  mkdirSync(join(root, '.git'));
  const fromGit = createCures({ configPath, installRoot, environment, records: true });
  assert.deepEqual(fromGit.update, [
    `cd ${root} && sudo -u cis490 git pull origin main`,
    installed.installer,
    'sudo systemctl restart cis490-orchestrator',
  ]);

  const elsewhere = createCures({
    configPath: '/tmp/my lab.toml',
    installRoot: '/src/my tree',
    environment: { PATH: `${root}/path` },
  });
  assert.equal(elsewhere.cis490('doctor'), "sudo '/src/my tree/bin/cis490' doctor --config '/tmp/my lab.toml'");
  assert.equal(elsewhere.update[0], "cd '/src/my tree' && sudo -u cis490 git pull origin main");
});
