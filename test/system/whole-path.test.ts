// From /proc to the ledger with the real programs: recorded, packed, gated, shipped, stored, and unpacked again by other tools.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { manifestOf, publishEpisode, sameManifest } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { makeDirectory, removeDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

function addRecorder(fleet: TestFleet, hostId: string, commit: string): TestHost {
  const code = join(fleet.root, `${hostId}-code`);
  mkdirSync(code);
  writeFileSync(
    join(code, 'VERSION'),
    JSON.stringify({ commit, dirty: false, stamped_at_wall: '2026-01-01T00:00:00.000000+00:00' }),
  );
  const command = JSON.stringify([join(PROJECT_ROOT, 'bin/cis490'), 'telemetry', '--duration', '0.5', '--rate', '10']);
  return fleet.addHost(
    hostId,
    `[orchestrator]\nenabled = true\n[[orchestrator.workload]]\nname = "telemetry"\ncommand = ${command}\ninterval_s = 3600\nschema_version = "telemetry-1"\ncode_root = "${code}"\n`,
  );
}

test('telemetry of this machine is recorded, shipped, stored, and equal when plain tar and zstd unpack it', async (t) => {
  if (!hasSystemPart(t, ['zstd', '--version'], 'zstd') || !hasSystemPart(t, ['tar', '--version'], 'tar')) return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = addRecorder(fleet, 'lab-1', GOOD_COMMIT);

  const recorder = Program.cis490(['orchestrator', '--once', '--config', host.config]);
  assert.equal((await recorder.ended).code, 0, recorder.stderr);
  const [episodeId = ''] = namesIn(join(host.data, 'episodes'));
  assert.match(episodeId, /^telemetry-\d{8}T\d{6}Z-[0-9a-f]{6}$/);
  const recorded = manifestOf(join(host.data, 'episodes', episodeId));
  const meta = JSON.parse(readFileSync(join(host.data, 'episodes', episodeId, 'meta.json'), 'utf8'));
  assert.equal(meta.code_version.commit, GOOD_COMMIT);
  for (const { path, sha256 } of meta.files) assert.equal(recorded.get(path), sha256);
  const [header = '', ...samples] = readFileSync(join(host.data, 'episodes', episodeId, 'telemetry.csv'), 'utf8')
    .trim()
    .split('\n');
  assert.match(header, /^time_wall,time_monotonic_s,cpu_user_s,.*mem_available_bytes.*net_received_bytes/);
  assert.ok(samples.length >= 2);

  const shipped = await fleet.shipOnce(host);
  assert.equal(shipped.code, 0, shipped.log);
  const tarball = join(fleet.store, `episodes/lab-1/${episodeId}.tar.zst`);
  const unpacked = join(fleet.root, 'unpacked');
  mkdirSync(unpacked);
  execFileSync('tar', ['--zstd', '-xf', tarball, '-C', unpacked]);
  assert.ok(sameManifest(manifestOf(join(unpacked, episodeId)), recorded));
  const listing = execFileSync('tar', ['--zstd', '-tf', tarball], { encoding: 'utf8' }).trim().split('\n');
  assert.equal(listing[0], `${episodeId}/meta.json`);

  const [row] = readRows(fleet.store);
  const receipt = JSON.parse(readFileSync(join(host.data, 'shipped', episodeId, 'receipt.json'), 'utf8'));
  assert.equal(receipt.status, 'stored');
  assert.equal(receipt.sha256, row?.sha256);
  assert.equal(receipt.seq, 1);
  assert.match(receipt.shipped_at_wall, /\+00:00$/);
  assert.equal(row?.bytes, readFileSync(tarball).byteLength);

  const shown = Program.cis490(['episode', 'show', tarball, 'telemetry.csv']);
  await shown.ended;
  assert.equal(shown.stdout, `${[header, ...samples].join('\n')}\n`);
});

test('stale and unstamped episodes go to quarantine with the reason and the cure, and the rest goes on', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  publishEpisode(host.data, 'lab-1', { episodeId: 'stale', commit: STALE_COMMIT, files: { a: '1' } });
  publishEpisode(host.data, 'lab-1', { episodeId: 'unstamped', commit: undefined, files: { a: '2' } });
  publishEpisode(host.data, 'lab-1', { episodeId: 'good', commit: GOOD_COMMIT, files: { a: '3' } });
  mkdirSync(join(host.data, 'quarantine/stale'), { recursive: true });
  writeFileSync(join(host.data, 'quarantine/stale/earlier'), 'not to be overwritten');

  const pass = await fleet.shipOnce(host);
  assert.equal(pass.code, 0, pass.log);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')).sort(), ['stale', 'stale.2', 'unstamped']);
  assert.deepEqual(namesIn(join(host.data, 'shipped')), ['good']);
  const { quarantined_at_wall, detail, remediation, shipper_uptime_s, ...reason } = JSON.parse(
    readFileSync(join(host.data, 'quarantine/stale.2/quarantine_reason.json'), 'utf8'),
  );
  assert.deepEqual(reason, {
    episode_id: 'stale',
    status: 412,
    code: 'commit-not-in-window',
    commit: STALE_COMMIT,
    head_commit: GOOD_COMMIT,
    attempts: 1,
  });
  assert.match(quarantined_at_wall, /\+00:00$/);
  assert.match(detail, /too old/);
  assert.ok(Number.isInteger(shipper_uptime_s));
  for (const command of remediation.split('\n')) assert.ok(pass.log.includes(`ERROR remediation: ${command}`));
  assert.match(pass.log, /ERROR episode refused and quarantined episode=unstamped status=400 code=commit-missing/);
});

test('what no tarball can carry is quarantined here; links and empty directories are packed as they are', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  publishEpisode(host.data, 'lab-1', { episodeId: 'pipe', commit: GOOD_COMMIT, files: {} });
  execFileSync('mkfifo', [join(host.data, 'episodes/pipe/fifo')]);
  publishEpisode(host.data, 'lab-1', { episodeId: 'links', commit: GOOD_COMMIT, files: { 'data.txt': 'here' } });
  symlinkSync('data.txt', join(host.data, 'episodes/links/link'));
  mkdirSync(join(host.data, 'episodes/links/empty'));
  publishEpisode(host.data, 'lab-1', { episodeId: 'bad name', commit: GOOD_COMMIT, files: {} });

  const pass = await fleet.shipOnce(host);
  assert.equal(pass.code, 0, pass.log);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')).sort(), ['bad name', 'pipe']);
  assert.match(pass.log, /code=episode-malformed.*fifo/);
  assert.match(pass.log, /code=bad-episode-id/);
  const listing = execFileSync('tar', ['--zstd', '-tvf', join(fleet.store, 'episodes/lab-1/links.tar.zst')], {
    encoding: 'utf8',
  });
  assert.match(listing, /^lrwx.* links\/link -> data\.txt$/m);
  assert.match(listing, /^drwx.* links\/empty\/$/m);
  assert.match(listing, / 0\/0 .* links\/meta\.json/);
});

test('the daemon waits out an absent receiver, ships when it comes, and stops at once', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1');
  const manifest = publishEpisode(host.data, 'lab-1', { episodeId: 'ep', commit: GOOD_COMMIT, files: { a: '1' } });
  const away = await fleet.shipOnce(host);
  assert.equal(away.code, 1);
  assert.match(away.log, /WARNING episode not shipped yet.* code=econnrefused/);

  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  await shipper.printed(/episode not shipped yet/);
  const second = await fleet.shipOnce(host);
  assert.equal(second.code, 1);
  assert.match(second.log, /another shipper already works on/);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await eventually(() => namesIn(join(host.data, 'shipped')).length === 1, 'the episode is shipped');
  assert.deepEqual(await shipper.stop(), { code: 0, signal: null });
  const state = JSON.parse(readFileSync(join(host.data, 'shipper-state.json'), 'utf8'));
  assert.equal(state.shipped, 1);
  assert.deepEqual(state.last, { episode_id: 'ep', outcome: 'shipped' });
  assert.deepEqual(await checkNothingLost(fleet.store, [{ host, episodeId: 'ep', manifest }], true), {
    faults: [],
    stored: 1,
  });
});

test('the receipt of another recorder does not retire an episode', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  publishEpisode(host.data, 'lab-1', {
    episodeId: 'ep',
    commit: GOOD_COMMIT,
    files: { 'receipt.json': '{"paid":true}', a: '1' },
  });
  assert.equal((await fleet.shipOnce(host)).code, 0);
  assert.equal(readRows(fleet.store).length, 1);
});

test('an episode that cannot be worked on stays, and the queue goes on', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  publishEpisode(host.data, 'lab-1', {
    episodeId: 'a-stuck',
    commit: GOOD_COMMIT,
    files: { 'quarantine_reason.json/x': '1' },
  });
  publishEpisode(host.data, 'lab-1', { episodeId: 'b-taken', commit: GOOD_COMMIT, files: { 'receipt.json/x': '1' } });
  publishEpisode(host.data, 'lab-1', { episodeId: 'c-free', commit: GOOD_COMMIT, files: { a: '1' } });
  const pass = await fleet.shipOnce(host);
  assert.equal(pass.code, 1);
  assert.match(pass.log, /ERROR .*it stays.*episode=a-stuck|ERROR .*episode=a-stuck.*it stays/);
  assert.deepEqual(namesIn(join(host.data, 'episodes')), ['a-stuck']);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), ['b-taken']);
  assert.deepEqual(namesIn(join(host.data, 'shipped')), ['c-free']);
  rmSync(join(host.data, 'episodes/a-stuck/quarantine_reason.json'), { recursive: true });
  assert.equal((await fleet.shipOnce(host)).code, 0);
  assert.equal(readRows(fleet.store).length, 2);
});

test('a full disk under the data: a clear error once, nothing deleted, and it goes on where there is room for one', async (t) => {
  const data = makeDirectory();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', data]).status !== 0) {
    removeDirectory(data);
    t.skip('needs leave to mount a tmpfs (root)');
    return;
  }
  t.after(() => {
    spawnSync('umount', ['--lazy', data]);
    removeDirectory(data);
  });
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const host = fleet.addHost('lab-1');
  const config = readFileSync(host.config, 'utf8').replace(`data_dir = "${host.data}"`, `data_dir = "${data}"`);
  writeFileSync(host.config, config);
  for (const place of ['recording', 'episodes']) mkdirSync(join(data, place));
  const small = { ...host, data };
  // 7.5 MiB of episodes that do not compress, and little more than room for one tarball beside them.
  const published = ['e1', 'e2', 'e3'].map((episodeId) => ({
    host: small,
    episodeId,
    manifest: publishEpisode(data, 'lab-1', {
      episodeId,
      commit: GOOD_COMMIT,
      files: { 'data.bin': randomBytes(2_500_000) },
    }),
  }));
  writeFileSync(join(data, 'ballast'), new Uint8Array(4_000_000));

  const shipper = fleet.startShipper(small);
  t.after(() => shipper.kill());
  await shipper.printed(/ERROR no room for the files of an episode: nothing is lost.* cure="make room: df -h /);
  assert.deepEqual((await checkNothingLost(fleet.store, published)).faults, []);
  assert.equal(namesIn(join(data, 'episodes')).length, 3);
  writeFileSync(join(data, 'ballast'), new Uint8Array(1_000_000));
  await eventually(() => namesIn(join(data, 'shipped')).length === 3, 'all are shipped');
  await shipper.printed(/INFO there is room again/);
  assert.equal(shipper.stderr.match(/no room for the files/g)?.length, 1);
  await shipper.stop();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 3 });
});
