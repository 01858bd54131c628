// A power cut at the moments that count, read from the system calls of the real programs: what a name or an answer promises is on the disk
// before it is there. The receiver's and the shipper's own orders are in system-call-order.test.ts.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { NEW, UpdateBench } from '../../src/lab-host/autoupdate/autoupdate.fixture.ts';
import { HostIdentity } from '../../src/lab-host/cert-fetch/cert-fetch.fixture.ts';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { TracedDirectory } from '../support/power-cut.ts';
import { PROJECT_ROOT } from '../support/program.ts';
import { writeSignedRelease } from '../support/signed-release.ts';
import { addRow, storeFile } from '../support/stored-episodes.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { endTraced } from '../support/traced-program.ts';

const CIS490 = join(PROJECT_ROOT, 'bin/cis490');
const script = (name: string) => [process.execPath, join(import.meta.dirname, '../support', name)];
const hasStrace = (t: TestContext) => hasSystemPart(t, ['strace', '-V'], 'strace');

/** Runs it to its end, which must be a good one. */
async function trace(root: string, command: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const { program, end } = TracedDirectory.start(root, command, environment);
  const run = await end();
  assert.equal((await program.ended).code, 0, program.stderr);
  return { run, program };
}

const startingWith = (lost: readonly string[], ...paths: string[]) =>
  lost.filter((line) => paths.some((path) => line.replace(/^\w+ of /, '').startsWith(path)));

test('a torn end of the ledger is durable beside it before the ledger is cut, and the cut before anybody is served', async (t) => {
  if (!hasStrace(t)) return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  addRow(fleet.store, await storeFile(fleet.store, 'lab-1', 'ep'));
  writeFileSync(join(fleet.store, 'index.jsonl'), `${readFileSync(join(fleet.store, 'index.jsonl'))}{"host_id":"la`);
  const { program, end } = TracedDirectory.start(fleet.store, [CIS490, 'receiver', '--config', fleet.receiverConfig]);
  t.after(() => endTraced(program, 'SIGKILL'));
  await program.printed(/receiver is listening/);
  assert.equal(await endTraced(program, 'SIGTERM'), 0);
  const run = await end();
  const cut = run.first(/^ftruncate\(\d+<[^>]*\/index\.jsonl>/);
  assert.deepEqual(startingWith(run.lostBefore(cut), 'index.jsonl'), []);
  const told = run.first(/^writev?\(2<.*receiver is listening/);
  assert.ok(cut.endedAt < told.startedAt);
  assert.deepEqual(startingWith(run.lostBefore(told), 'index.jsonl', 'episodes', 'incoming'), []);
});

describe('a recording', () => {
  test('is durable to the last file before it has its name in episodes/, and its name before the run has ended', async (t) => {
    if (!hasStrace(t)) return;
    const root = temporaryDirectory(t);
    const [data, code, config] = [join(root, 'data'), join(root, 'code'), join(root, 'lab-1.toml')];
    mkdirSync(data);
    mkdirSync(code);
    writeFileSync(join(code, 'VERSION'), GOOD_COMMIT);
    const workload = 'mkdir -p a/b; echo 1 > a/b/one; echo 2 > two; ln -s two three';
    writeFileSync(
      config,
      `host_id = "lab-1"\n[paths]\ndata_dir = "${data}"\n[receiver]\nurl = "http://127.0.0.1:1"\n[orchestrator]\nenabled = true\n[[orchestrator.workload]]\nname = "w"\ncommand = ["sh", "-c", "${workload}"]\ninterval_s = 3600\ncode_root = "${code}"\n`,
    );
    const { run } = await trace(data, [CIS490, 'orchestrator', '--once', '--config', config]);
    const published = run.first(/^rename\(".*\/recording\/[^/"]+", ".*\/episodes\/[^/"]+"/);
    assert.deepEqual(run.lostInMove(published), []);
    assert.deepEqual(startingWith(run.lostBefore(), 'episodes'), []);
    const seen = run.all(/^write\(\d+<[^>]*\/recording\/[^>]*\/(?:a\/b\/one|two)>/);
    assert.equal(seen.length, 2, 'what the workload wrote is seen');
  });

  test('of another recorder, copied: the same', async (t) => {
    if (!hasStrace(t)) return;
    const root = temporaryDirectory(t);
    const fleet = await TestFleet.create(root);
    const host = fleet.addHost('lab-1');
    const other = fleet.addHost('other');
    publishEpisode(other.data, 'other', {
      episodeId: 'run',
      commit: GOOD_COMMIT,
      files: { 'a/b/data': '1'.repeat(200_000), c: '2' },
    });
    const directory = join(other.data, 'episodes/run');
    const { run } = await trace(host.data, [CIS490, 'publish', directory, '--keep', '--config', host.config]);
    const published = run.first(/^rename\(".*", ".*\/lab-1\/episodes\/[^/"]+"/);
    assert.deepEqual(run.lostInMove(published), []);
    assert.deepEqual(startingWith(run.lostBefore(), 'episodes'), []);
  });
});

test('a release that is published is durable before it is seen, and so is how far it goes', async (t) => {
  if (!hasStrace(t)) return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const { directory } = writeSignedRelease(join(fleet.root, 'release'), { number: 3, commit: GOOD_COMMIT });
  const command = [CIS490, 'release', 'publish', directory, '--percent', '10', '--config', fleet.receiverConfig];
  const { run } = await trace(fleet.store, command);
  const seen = run.first(/^rename\(".*\/releases\/\.staged-[^/"]+", ".*\/releases\/3-a+"/);
  assert.deepEqual([...run.lostInMove(seen), ...startingWith(run.lostBefore(seen), 'control.db')], []);
  assert.deepEqual(startingWith(run.lostBefore(), 'releases', 'control.db'), []);
});

test('a backup has its stamp only when all of it is durable', async (t) => {
  if (!hasStrace(t)) return;
  const root = temporaryDirectory(t);
  const stamp = join(root, 'backup/last-backup');
  const fleet = await TestFleet.create(
    root,
    `[store]\nroot = "${join(root, 'store')}"\nmin_free = "1 MiB"\nbackup_stamp = "${stamp}"\n`,
  );
  for (const id of ['a', 'b', 'c']) addRow(fleet.store, await storeFile(fleet.store, `lab-${id}`, id));
  mkdirSync(join(root, 'backup/store'), { recursive: true, mode: 0o700 });
  const { run } = await trace(join(root, 'backup'), [
    ...[CIS490, 'backup', join(root, 'backup/store'), '--config', fleet.receiverConfig],
  ]);
  const stamped = run.first(/^rename\(".*", ".*\/last-backup"/);
  assert.ok(run.all(/^rename|^link/).length > 3);
  assert.deepEqual(startingWith(run.lostBefore(stamped), 'store/'), []);
  assert.deepEqual(run.lostBefore(), []);
});

test('an alert is told when its row is durable, and what is to be told of it is durable at the end of the run', async (t) => {
  if (!hasStrace(t)) return;
  const root = join(temporaryDirectory(t), 'store');
  mkdirSync(root);
  const [index, alerts, journal] = ['index.jsonl', 'alerts.jsonl', 'journal'].map((name) => join(root, name));
  const unstamped = 'WARNING rejected episode host=lab-3 episode=e missing X-Cis490-Code-Commit\n';
  writeFileSync(index ?? '', '');
  writeFileSync(journal ?? '', unstamped.repeat(10));
  const paths = ['--index-path', index, '--alerts-path', alerts, '--journal-file', journal].map(String);
  const { run } = await trace(root, [CIS490, 'fleet-health', ...paths]);
  const told = run.first(/^writev?\(2<.*ALERT host=lab-3/);
  assert.deepEqual(startingWith(run.lostBefore(told), 'alerts.jsonl'), []);
  assert.deepEqual(startingWith(run.lostBefore(), 'alerts.jsonl', 'monitor.db'), []);
});

test('a release of a host is durable before it has its place, its trial before the switch, its end before the updater’s', async (t) => {
  if (!hasStrace(t)) return;
  const bench = await UpdateBench.create(t);
  await bench.offer(NEW, 7);
  const update = [...script('killed-autoupdate.main.ts'), bench.configPath, bench.installRoot, 'never'];
  const { run } = await trace(bench.root, update, bench.environment);
  const placed = run.first(/^rename\(".*\/releases\/\.unpack-b+", ".*\/opt\/releases\/b+"/);
  assert.deepEqual(run.lostInMove(placed), []);
  const switched = run.first(/^rename\(".*\/opt\/current\.new", ".*\/opt\/current"/);
  assert.deepEqual(startingWith(run.lostBefore(switched), `opt/releases/${NEW}`, 'var/update-state.json'), []);
  const restarted = run.first(/^write\(\d+<[^>]*\/systemctl\.log>, "[^"]*restart/);
  assert.deepEqual(startingWith(run.lostBefore(restarted), 'opt/current', 'var/update-state.json'), []);
  assert.deepEqual(startingWith(run.lostBefore(), `opt/releases/${NEW}`, 'opt/current', 'var/update-state.json'), []);
});

describe('a certificate', () => {
  for (const isRenewal of [false, true]) {
    test(`${isRenewal ? 'a renewal' : 'the first'}: the key before anybody is asked, the pair before the switch, the switch before the key goes`, async (t) => {
      if (!hasStrace(t)) return;
      const host = isRenewal ? await HostIdentity.enrolled(t) : await HostIdentity.create(t);
      const token = isRenewal ? [] : [host.server.addToken()];
      const { run } = await trace(host.root, [
        ...[...script('killed-cert-fetch.main.ts'), host.root, host.server.url, 'never', ...token],
      ]);
      const written = run.first(/^rename\(".*\/next\/[^"]*", ".*\/next\/host\.key"/);
      const asked = run.all(/^connect\(.*AF_INET/).find(({ startedAt }) => startedAt > written.endedAt);
      assert.ok(asked, 'it asks after it has the key');
      assert.deepEqual(startingWith(run.lostBefore(asked), 'next'), []);
      const switched = run.first(/^rename\(".*\/current\.new", ".*\/current"/);
      assert.deepEqual(startingWith(run.lostBefore(switched), '1', '2'), []);
      const dropped = run.first(/^unlink\(".*\/next\/host\.key"/);
      assert.deepEqual(startingWith(run.lostBefore(dropped), '1', '2', 'current'), []);
      assert.deepEqual(startingWith(run.lostBefore(), '1', '2', 'current'), []);
    });
  }
});
