import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import { backupAgeCheck } from './checks/backup-age.ts';
import { certificateExpiryCheck } from './checks/certificate-expiry.ts';
import { configurationCheck } from './checks/configuration.ts';
import { diskCheck } from './checks/disk.ts';
import { gateFreshnessCheck } from './checks/gate-freshness.ts';
import { librariesCheck } from './checks/libraries.ts';
import { reserveCheck } from './checks/reserve.ts';
import { storeCheck } from './checks/store.ts';
import { timersCheck } from './checks/timers.ts';
import { unitsCheck } from './checks/units.ts';
import type { DiskRoom } from './disk-room.ts';
import { HEALTHY_DISK, NOW, receiverBench } from './doctor.fixture.ts';

const GIB = 1024 ** 3;
const NOW_S = Date.parse(NOW) / 1000;

test('a store that is there and whole', async (t) => {
  const bench = receiverBench(t, { episodes: 1 });
  assert.equal((await storeCheck.run(bench)).status, 'green');
});

test('a store that is not there, or is something else', async (t) => {
  const bench = receiverBench(t);
  rmSync(bench.store, { recursive: true });
  const gone = await storeCheck.run(bench);
  assert.equal(gone.status, 'red');
  assert.match(gone.summary, /^there is no \S+store/);
  const mount = `sudo mount -a && test -d ${bench.store} && sudo systemctl restart cis490-receiver`;
  assert.equal(gone.cure, `findmnt --fstab --verify\n${mount}`);
  writeFileSync(bench.store, '');
  assert.match((await storeCheck.run(bench)).summary, /is no directory$/);
});

test('a file that its owner may not write', async (t) => {
  const bench = receiverBench(t);
  chmodSync(bench.ledgerPath, 0o400);
  const { status, cure } = await storeCheck.run(bench);
  assert.deepEqual([status, cure], ['red', `sudo chmod u+rwX ${bench.ledgerPath}`]);
  chmodSync(bench.ledgerPath, 0o600);
  chmodSync(join(bench.store, 'episodes'), 0o600);
  assert.match((await storeCheck.run(bench)).cure ?? '', /episodes$/);
  chmodSync(join(bench.store, 'episodes'), 0o700);
});

test('what root once made by hand', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root, to give a file away: sudo npm test');
  const bench = receiverBench(t);
  for (const name of ['.', 'index.jsonl', 'episodes']) chownSync(join(bench.store, name), 12_345, 12_346);
  writeFileSync(join(bench.store, 'alerts.jsonl'), '');
  writeFileSync(join(bench.store, 'notes-of-the-maintainer.txt'), '');
  const found = await storeCheck.run(bench);
  assert.equal(found.status, 'red');
  assert.equal(found.cure, `sudo chown -R 12345:12346 ${join(bench.store, 'alerts.jsonl')}`);
});

test('a store that is not the user’s of the receiver’s unit', async (t) => {
  const programs = {
    systemctl: "printf 'LoadState=loaded\\nUser=keeper\\n'",
    id: "echo 'uid=54321(keeper) gid=54322(lab) groups=54322(lab)'",
  };
  const bench = receiverBench(t, { programs });
  const { status, summary, cure } = await storeCheck.run(bench);
  assert.equal(status, 'red');
  assert.match(summary, /^not keeper's \(uid 54321\)/);
  assert.match(cure ?? '', new RegExp(`^sudo chown -R keeper:lab ${bench.store} `));
});

const reserves: [freeGib: number, status: CheckStatus][] = [
  [4.9, 'red'],
  [5, 'yellow'],
  [9.9, 'yellow'],
  [10, 'green'],
];
for (const [freeGib, status] of reserves) {
  test(`the reserve with ${freeGib} GiB free: ${status}`, async (t) => {
    const bench = receiverBench(t);
    const disk = { ...HEALTHY_DISK, freeBytes: freeGib * GIB };
    assert.equal((await reserveCheck.run({ ...bench, lookAtDisk: async () => disk })).status, status);
  });
}

const disks: [name: string, store: Partial<DiskRoom>, system: Partial<DiskRoom>, status: CheckStatus][] = [
  ['all is well', {}, { device: 2 }, 'green'],
  ['few inodes in the store', { inodesLeft: 0.04 }, { device: 2 }, 'yellow'],
  ['next to no inodes in the store', { inodesLeft: 0.009 }, { device: 2 }, 'red'],
  ['little space in the store is the reserve’s', { freeBytes: GIB }, { device: 2 }, 'green'],
  ['a system disk of its own that is full', {}, { device: 2, freeBytes: GIB }, 'red'],
  ['a system disk of its own that is nearly full', {}, { device: 2, freeBytes: 30 * GIB }, 'yellow'],
  ['one disk for both', { freeBytes: GIB }, { freeBytes: GIB }, 'green'],
];
for (const [name, store, system, status] of disks) {
  test(`the disk, ${name}: ${status}`, async (t) => {
    const bench = receiverBench(t);
    const lookAtDisk = async (path: string) => ({ ...HEALTHY_DISK, ...(path === '/' ? system : store) });
    const found = await diskCheck.run({ ...bench, lookAtDisk });
    assert.equal(found.status, status, found.summary);
    assert.equal(found.cure === null, status === 'green');
  });
}

const COMMIT = 'a'.repeat(40);
const at = (minutesAgo: number) => new Date((NOW_S - minutesAgo * 60) * 1000).toISOString().replace('Z', '000+00:00');
const GATE = '[version_gate]\nlocal_repo_path = "repo.git"\n';
const gates: [name: string, toml: string, file: object | undefined, status: CheckStatus, summary: RegExp][] = [
  ['that is off', '', undefined, 'green', /the gate is off/],
  ['with a list', `[version_gate]\ncommits = ["${COMMIT}"]\n`, undefined, 'green', /1 commits stand in/],
  ['that has written nothing', GATE, undefined, 'red', /no receiver has written/],
  ['that is fresh', GATE, {}, 'green', /^the branch was read 1 min 0 s ago from git, head aaaaaaaaaaaa$/],
  ['that is late', GATE, { refreshed_at_wall: at(6) }, 'yellow', /read 6 min 0 s ago/],
  [
    'that is much too late',
    GATE,
    { refreshed_at_wall: at(31), last_error: 'no route' },
    'red',
    /31 min 0 s ago: no route$/,
  ],
  ['whose source fails', GATE, { last_error: 'status 500' }, 'yellow', /: status 500$/],
  ['that lives from its fallback', GATE, { source: 'git-fallback' }, 'yellow', /from the fallback/],
  ['that knows nothing', GATE, { commits: [] }, 'red', /knows no commit/],
  ['that was never refreshed', GATE, { refreshed_at_wall: null }, 'red', /never refreshed/],
  ['of another branch', GATE, { branch: 'other' }, 'red', /it is of branch other/],
];
for (const [name, toml, file, status, summary] of gates) {
  test(`a gate ${name}: ${status}`, async (t) => {
    const bench = receiverBench(t, { toml });
    const repository = bench.config.version_gate.local_repo_path;
    const good = {
      format_version: 1,
      repository,
      branch: 'main',
      commits: [COMMIT],
      learned_from: 'git',
      added_commits: [],
      source: 'git',
      refreshed_at_wall: at(1),
      last_error: null,
    };
    if (file) writeFileSync(join(bench.store, 'gate.json'), JSON.stringify({ ...good, ...file }));
    const found = await gateFreshnessCheck.run(bench);
    assert.equal(found.status, status, found.summary);
    assert.match(found.summary, summary);
  });
}

const backups: [name: string, ageH: number | undefined, status: CheckStatus][] = [
  ['of an hour ago', 1, 'green'],
  ['of 37 hours ago', 37, 'yellow'],
  ['of 73 hours ago', 73, 'red'],
  ['ahead of the clock', -1, 'green'],
  ['that never was', undefined, 'red'],
];
for (const [name, ageH, status] of backups) {
  test(`a backup ${name}: ${status}`, async (t) => {
    const bench = receiverBench(t, { toml: 'backup_stamp = "stamp"' });
    const stamp = bench.config.store.backup_stamp ?? '';
    if (ageH !== undefined) {
      writeFileSync(stamp, '');
      utimesSync(stamp, NOW_S - ageH * 3_600, NOW_S - ageH * 3_600);
    }
    const found = await backupAgeCheck.run(bench);
    assert.equal(found.status, status, found.summary);
  });
}

test('a backup that is not watched', async (t) => {
  const found = await backupAgeCheck.run(receiverBench(t));
  assert.deepEqual([found.status, found.cure], ['green', null]);
  assert.match(found.summary, /^not watched/);
});

const certificates: [name: string, fromDays: number, untilDays: number, status: CheckStatus][] = [
  ['with 30 of 90 days left and more', -59, 31, 'green'],
  ['of years, with 20 days left', -1_000, 20, 'yellow'],
  ['of 90 days, with 2 left', -88, 2, 'red'],
  ['of a week, with two days left', -5, 2, 'yellow'],
  ['that expired yesterday', -30, -1, 'red'],
  ['that is valid from tomorrow', 1, 30, 'red'],
];
for (const [name, fromDays, untilDays, status] of certificates) {
  test(`a certificate ${name}: ${status}`, async (t) => {
    const authority = TestAuthority.create(join(temporaryDirectory(t), 'ca'));
    const { certFile, keyFile } = authority.issue({
      subject: '/CN=receiver',
      usage: 'serverAuth',
      fromDays,
      untilDays,
    });
    const bench = receiverBench(t, { toml: `[listen.tls]\ncert_file = "${certFile}"\nkey_file = "${keyFile}"\n` });
    const found = await certificateExpiryCheck.run({ ...bench, nowMs: Date.now() });
    assert.equal(found.status, status, found.summary);
    if (status !== 'green')
      assert.ok(found.cure?.includes(`openssl x509 -noout -subject -issuer -dates -in ${certFile}`));
  });
}

test('no certificate is none that runs out', async (t) => {
  assert.equal((await certificateExpiryCheck.run(receiverBench(t))).status, 'green');
});

test('a key that is not that of the certificate', async (t) => {
  const authority = TestAuthority.create(join(temporaryDirectory(t), 'ca'));
  const [one, other] = [authority.issue({ usage: 'serverAuth' }), authority.issue({ usage: 'serverAuth' })];
  const toml = (keyFile: string) => `[listen.tls]\ncert_file = "${one.certFile}"\nkey_file = "${keyFile}"\n`;
  const good = receiverBench(t, { toml: toml(one.keyFile) });
  assert.equal((await configurationCheck.run({ ...good, nowMs: Date.now() })).status, 'green');
  const bad = receiverBench(t, { toml: toml(other.keyFile) });
  const found = await configurationCheck.run({ ...bad, nowMs: Date.now() });
  assert.equal(found.status, 'red');
  assert.match(found.summary, /key_file/);
});

const RUNS = 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=enabled\\n';
const units: [properties: string, status: CheckStatus, summary: RegExp][] = [
  [RUNS, 'green', /^cis490-receiver is active$/],
  [RUNS.replace('enabled', 'disabled'), 'red', /does not start with the machine/],
  [RUNS.replace('=active', '=inactive'), 'red', /is inactive/],
  [RUNS.replace('=active', '=failed'), 'red', /has failed/],
  [RUNS.replace('=active', '=activating'), 'yellow', /is activating/],
  [RUNS.replace('=active', '=activating').replace('running', 'auto-restart'), 'red', /again and again/],
  ['LoadState=not-found\\nActiveState=inactive\\n', 'red', /is not installed/],
  ['LoadState=masked\\nActiveState=inactive\\n', 'red', /is masked/],
];
for (const [properties, status, summary] of units) {
  test(`the unit with ${properties.replaceAll('\\n', ' ')}: ${status}`, async (t) => {
    const bench = receiverBench(t, { programs: { systemctl: `printf '${properties}'` } });
    const found = await unitsCheck.run(bench);
    assert.equal(found.status, status);
    assert.match(found.summary, summary);
    assert.equal(found.cure === null, status === 'green');
  });
}

const runs: [service: string, status: CheckStatus, summary: string][] = [
  ['LoadState=loaded\\nResult=success\\n', 'green', 'cis490-fleet-health.timer is active, its last run was a success'],
  ['LoadState=loaded\\nResult=exit-code\\n', 'red', 'the last run of cis490-fleet-health has failed: exit-code'],
  ['LoadState=not-found\\nResult=success\\n', 'red', 'cis490-fleet-health.service is not installed'],
];
for (const [service, status, summary] of runs) {
  test(`the timer is the monitor’s, and its last run counts: ${service}`, async (t) => {
    const systemctl = `case "$3" in *.timer) printf '${RUNS}' ;; cis490-fleet-health.service) printf '${service}' ;; *) exit 1 ;; esac`;
    const found = await timersCheck.run(receiverBench(t, { programs: { systemctl } }));
    assert.deepEqual([found.status, found.summary], [status, summary]);
    if (service.includes('exit-code'))
      assert.equal(found.cure, 'sudo journalctl -u cis490-fleet-health -n 50 --no-pager');
  });
}

test('where systemd cannot be asked, nothing is known, and nothing green', async (t) => {
  const found = await unitsCheck.run(receiverBench(t, { programs: { systemctl: 'exit 1' } }));
  assert.equal(found.status, 'unknown');
  assert.match(found.summary, existsSync('/run/systemd/system') ? /could not be asked/ : /does not run here/);
});

test('a library that is missing', async (t) => {
  const kind = { x64: 'x86-64', arm64: 'AArch64' }[process.arch as 'x64'] ?? '';
  const line = (library: string, of = kind) => `\\t${library} (libc6,${of}) => /lib/${library}\\n`;
  const two = line('libstdc++.so.6') + line('libgcc_s.so.1');
  const look = async (text: string) =>
    await librariesCheck.run(receiverBench(t, { programs: { ldconfig: `printf '${text}'` } }));
  assert.equal((await look(two + line('libatomic.so.1'))).status, 'green');
  const found = await look(two + line('libatomic.so.1', 'of another machine'));
  assert.deepEqual([found.status, found.cure], ['red', 'sudo apt-get install --yes libatomic1']);
});
