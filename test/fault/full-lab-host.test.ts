// A full disk under the data of a lab host: shipped episodes go first, oldest first, then recording waits; what has not been shipped is
// never deleted, nothing is torn, and all goes on when there is room.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { publishEpisode, sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const MIN_FREE_BYTES = 8 * MIB;

interface RecordedFile {
  path: string;
  bytes: number;
  sha256: string;
}

interface Place {
  fleet: TestFleet;
  host: TestHost;
  disk: SmallDisk;
  published: Published[];
}

/** A lab host on a disk of its own, with one workload that records a mebibyte per job. */
async function openPlace(t: TestContext, size: string, minFreeBytes: number): Promise<Place | undefined> {
  const root = temporaryDirectory(t);
  const disk = SmallDisk.mount(t, join(root, 'lab-1'), size);
  if (!disk) return undefined;
  const fleet = await TestFleet.create(root);
  const host = fleet.addHost('lab-1', `concurrency = 1\nmin_free = "${minFreeBytes} B"`);
  const code = join(root, 'code');
  mkdirSync(code);
  writeFileSync(join(code, 'VERSION'), GOOD_COMMIT);
  const script = `head -c ${MIB} /dev/urandom > data.bin`;
  const workload = `[[orchestrator.workload]]\nname = "w"\ncommand = ["sh", "-c", "${script}"]\nqueue = true\ncode_root = "${code}"\n`;
  writeFileSync(host.config, `${readFileSync(host.config, 'utf8')}[orchestrator]\nenabled = true\n${workload}`);
  return { fleet, host, disk, published: [] };
}

function start(t: TestContext, { host }: Place, program: 'shipper' | 'orchestrator'): Program {
  const started = Program.cis490([program, '--config', host.config]);
  t.after(() => started.kill());
  return started;
}

/** Episodes that no packing makes smaller. */
function publishSome({ host, published }: Place, count: number, sizeBytes = MIB, commit = GOOD_COMMIT): void {
  for (let n = 0; n < count; n += 1) {
    const episodeId = `ep-${String(published.length).padStart(2, '0')}`;
    const files = { 'data.bin': randomBytes(sizeBytes) };
    const manifest = publishEpisode(host.data, host.hostId, { episodeId, commit, files });
    published.push({ host, episodeId, manifest });
  }
}

/** As a writer should: under another name, then renamed. */
function putJob({ host }: Place, id: string): void {
  const queue = join(host.data, 'queue');
  writeFileSync(join(queue, `.${id}.json`), JSON.stringify({ workload: 'w' }));
  renameSync(join(queue, `.${id}.json`), join(queue, `${id}.json`));
}

const idsIn = ({ host }: Place, place: string) => namesIn(join(host.data, place)).sort();
const isShort = ({ host }: Place) => namesIn(host.data).includes('BACKPRESSURE');

/** Each recording in the store is what its own meta.json says, to the byte. Resolves with their jobs. */
async function storedJobs({ fleet }: Place): Promise<string[]> {
  const jobs: string[] = [];
  for (const { episode_id: id, path } of readRows(fleet.store)) {
    if (!id.startsWith('w-')) continue;
    const tarball = zstdDecompressSync(readFileSync(join(fleet.store, path)));
    const entries = (await unpackTar(new Uint8Array(tarball))).filter(({ header }) => header.type === 'file');
    const contents = new Map(
      entries.map(({ header, data }) => [header.name.slice(id.length + 1), Buffer.from(data ?? [])]),
    );
    const meta = JSON.parse(String(contents.get('meta.json')));
    contents.delete('meta.json');
    const found = [...contents].map(([name, content]) => [name, content.byteLength, sha256(content)]);
    assert.deepEqual(found.sort(), meta.files.map((file: RecordedFile) => [file.path, file.bytes, file.sha256]).sort());
    assert.deepEqual(meta.exit, { code: 0, signal: null, timed_out: false });
    jobs.push(meta.job.id);
  }
  return jobs.sort();
}

/** All is in the store, whole and once; shipped/ may hold less, and nothing else is left. */
async function assertAllStored(place: Place, jobs: string[]): Promise<void> {
  const { fleet, host, published } = place;
  const { faults, stored } = await checkNothingLost(fleet.store, published, true);
  assert.deepEqual(
    faults.filter((fault) => !fault.includes(': on its host in 0 places')),
    [],
  );
  assert.deepEqual(await storedJobs(place), jobs);
  assert.equal(stored, published.length + jobs.length);
  for (const name of ['outbox', 'quarantine', 'episodes']) assert.deepEqual(namesIn(join(host.data, name)), [], name);
}

test('below the reserve: shipped episodes go, oldest first, then recording waits, until what waits is shipped', async (t) => {
  const place = await openPlace(t, '40m', MIN_FREE_BYTES);
  if (!place) return;
  const { fleet, disk } = place;
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  publishSome(place, 8);
  const shipper = start(t, place, 'shipper');
  const orchestrator = start(t, place, 'orchestrator');
  const inOrder = () => [...shipper.stderr.matchAll(/episode shipped episode=(\S+)/g)].map((match) => match[1] ?? '');
  await eventually(() => inOrder().length === 8, 'all is shipped');
  const shippedInOrder = inOrder();

  disk.fillUpTo(MIN_FREE_BYTES - 2.5 * MIB);
  await eventually(() => disk.freeBytes >= MIN_FREE_BYTES, 'the reserve is back');
  await shipper.printed(/INFO disk is short: deleted shipped episodes, oldest first/);
  const kept = idsIn(place, 'shipped');
  assert.ok(kept.length > 0 && kept.length <= 5, `${kept}`);
  assert.deepEqual(kept, shippedInOrder.slice(-kept.length).sort(), 'the oldest are deleted');
  assert.ok(disk.freeBytes < MIN_FREE_BYTES + 1.1 * MIB, 'and no more than the need');
  putJob(place, 'a');
  await orchestrator.printed(/job done job=a /);

  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  await receiver.stop();
  publishSome(place, 2);
  disk.fillUpTo(1.5 * MIB);
  const later = start(t, place, 'shipper');
  await eventually(() => isShort(place), 'the orchestrator is told');
  assert.deepEqual(idsIn(place, 'shipped'), []);
  await later.printed(/ERROR disk is short and nothing more can be deleted.*cure=/);
  const waiting = idsIn(place, 'episodes');
  putJob(place, 'b');
  await orchestrator.printed(/WARNING the disk is short: no recording starts .*BACKPRESSURE/);

  const again = await fleet.startReceiver();
  t.after(() => again.kill());
  // One that shipping alone cannot cure: what fills the disk is not ours.
  const isShipped = () => waiting.every((id) => !idsIn(place, 'episodes').includes(id));
  await eventually(isShipped, 'what waited is shipped with the little room that is left');
  assert.ok(isShort(place));
  assert.deepEqual(
    idsIn(place, 'queue').filter((name) => name.endsWith('.json')),
    ['b.json'],
    'nothing was started',
  );
  disk.removeFiller();
  await orchestrator.printed(/INFO there is room again: recordings start/);
  await orchestrator.printed(/job done job=b /);
  await eventually(() => idsIn(place, 'episodes').length === 0, 'all is shipped');
  const log = orchestrator.stderr;
  const pause = log.slice(log.indexOf('the disk is short'), log.indexOf('there is room again'));
  assert.doesNotMatch(pause, /episode recorded/);
  for (const program of [later, orchestrator]) assert.equal((await program.stop()).code, 0, program.stderr);
  await again.stop();
  await assertAllStored(place, ['a', 'b']);
});

test('what waits has filled the disk: it is shipped and deleted, and recording goes on without a hand', async (t) => {
  const place = await openPlace(t, '40m', MIN_FREE_BYTES);
  if (!place) return;
  const { fleet, host, disk } = place;
  const orchestrator = start(t, place, 'orchestrator');
  await eventually(() => namesIn(join(host.data, 'queue')).includes('failed'), 'the orchestrator has its queue');
  // Small ones, so that deleting as few as bring back the reserve would leave less free than recording needs to start again.
  publishSome(place, 40, MIB / 8);
  disk.fillUpTo(MIN_FREE_BYTES - 1.5 * MIB);
  const shipper = start(t, place, 'shipper');
  await eventually(() => isShort(place), 'the orchestrator is told');
  putJob(place, 'a');
  await orchestrator.printed(/WARNING the disk is short: no recording starts/);
  assert.equal(idsIn(place, 'episodes').length, 40, 'nothing that waits is deleted');

  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await orchestrator.printed(/job done job=a /);
  await eventually(() => idsIn(place, 'episodes').length === 0, 'all is shipped');
  assert.ok(!isShort(place));
  for (const program of [shipper, orchestrator]) assert.equal((await program.stop()).code, 0, program.stderr);
  await receiver.stop();
  await assertAllStored(place, ['a']);
});

test('not a byte is left: packing and recording wait or fail whole, and go on when there is room', async (t) => {
  const place = await openPlace(t, '24m', 0);
  if (!place) return;
  const { fleet, host, disk } = place;
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const orchestrator = start(t, place, 'orchestrator');
  await eventually(() => namesIn(join(host.data, 'queue')).includes('failed'), 'the orchestrator has its queue');
  publishSome(place, 4);
  // Room for half an episode, and then for none.
  for (const freeBytes of [MIB / 2, 0]) {
    disk.fillUpTo(freeBytes);
    if (freeBytes === 0) disk.fillToTheLastByte();
    const shipper = start(t, place, 'shipper');
    await shipper.printed(/ERROR no room for the files of an episode: nothing is lost.*cure=/);
    assert.equal((await shipper.stop()).code, 0, shipper.stderr);
    assert.equal(idsIn(place, 'episodes').length, 4);
    assert.deepEqual(
      idsIn(place, 'outbox').filter((name) => !name.endsWith('.partial')),
      [],
    );
  }
  disk.removeFiller();
  putJob(place, 'before');
  await orchestrator.printed(/job done job=before /);

  disk.fillUpTo(MIB / 2);
  putJob(place, 'during');
  // The workload itself is refused the room, or its meta.json is.
  await orchestrator.printed(/(?:ERROR the recording failed|WARNING the workload failed).*/);
  disk.fillToTheLastByte();
  const shipper = start(t, place, 'shipper');
  await shipper.printed(/ERROR no room for the files of an episode/);
  disk.removeFiller();
  putJob(place, 'after');
  await orchestrator.printed(/job done job=after /);
  await eventually(() => idsIn(place, 'episodes').length === 0, 'all is shipped');
  await shipper.printed(/INFO there is room again/);
  assert.equal((await orchestrator.stop()).code, 0, orchestrator.stderr);
  // Not even that it failed could be written down: the next start runs it again.
  const next = Program.cis490(['orchestrator', '--once', '--config', host.config]);
  assert.equal((await next.ended).code, 0, next.stderr);
  await eventually(() => idsIn(place, 'episodes').length === 0, 'all is shipped');
  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  await receiver.stop();
  await assertAllStored(place, ['after', 'before', 'during']);
});

test('not a byte is left when the reserve is found short: the orchestrator is told all the same', async (t) => {
  const place = await openPlace(t, '24m', MIN_FREE_BYTES);
  if (!place) return;
  const { host, disk } = place;
  mkdirSync(join(host.data, 'queue'));
  putJob(place, 'a');
  disk.fillToTheLastByte();
  const shipper = start(t, place, 'shipper');
  await eventually(() => isShort(place), 'the orchestrator is told');
  const orchestrator = start(t, place, 'orchestrator');
  await orchestrator.printed(/WARNING the disk is short: no recording starts/);
  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  // One that starts later finds what the first has left.
  const later = start(t, place, 'shipper');
  await later.printed(/ERROR disk is short and nothing more can be deleted/);
  disk.removeFiller();
  await orchestrator.printed(/job done job=a /);
  for (const program of [later, orchestrator]) assert.equal((await program.stop()).code, 0, program.stderr);
  for (const program of [shipper, later]) assert.doesNotMatch(program.stderr, /could not be told/);
});

test('not a byte is left when the answer comes: the note of an episode takes the place of its tarball', async (t) => {
  const place = await openPlace(t, '24m', 0);
  if (!place) return;
  const { fleet, disk, host } = place;
  publishSome(place, 1);
  const shipper = start(t, place, 'shipper');
  await shipper.printed(/episode packed/);
  await shipper.printed(/not shipped yet/);
  disk.fillToTheLastByte();
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  await shipper.printed(/episode shipped episode=ep-00/);
  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  assert.equal(shipper.stderr.match(/episode packed/g)?.length, 1, shipper.stderr);
  assert.doesNotMatch(shipper.stderr, /no room for the files/);
  await receiver.stop();
  assert.equal(namesIn(join(host.data, 'outbox')).length, 0);
  await assertAllStored(place, []);
});

test('refused on a full disk: told once, and in quarantine as soon as there is room for the reasons', async (t) => {
  const place = await openPlace(t, '24m', 0);
  if (!place) return;
  const { fleet, disk, host, published } = place;
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  publishSome(place, 1, KIB, STALE_COMMIT);
  const shipper = start(t, place, 'shipper');
  await shipper.printed(/episode refused and quarantined/);
  // Recorded while there was room, published when there is none: a rename takes none.
  const aside: Place = { ...place, host: { ...host, data: join(disk.path, 'aside') } };
  mkdirSync(join(aside.host.data, 'episodes'), { recursive: true });
  publishSome(aside, 3, KIB, STALE_COMMIT);
  disk.fillToTheLastByte();
  for (const { episodeId } of published.slice(1))
    renameSync(join(aside.host.data, 'episodes', episodeId), join(host.data, 'episodes', episodeId));
  await shipper.printed(/ERROR no room for the files of an episode: nothing is lost.*cure=/);
  disk.removeFiller();
  await shipper.printed(/INFO there is room again/);
  await eventually(() => idsIn(place, 'quarantine').length === 4, 'all are in quarantine');
  assert.doesNotMatch(shipper.stderr, /could not be moved to quarantine/);
  assert.equal(shipper.stderr.match(/no room for the files of an episode/g)?.length, 1, shipper.stderr);
  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  assert.deepEqual(readRows(fleet.store), []);

  disk.fillToTheLastByte();
  const requeue = async () => {
    const command = Program.cis490(['quarantine', 'requeue', '--all', '--config', host.config]);
    const { code } = await command.ended;
    return { code, stdout: command.stdout, stderr: command.stderr };
  };
  const history = join(host.data, 'queue-history.jsonl');
  assert.deepEqual(await requeue(), {
    code: 1,
    stdout: '',
    stderr: `cis490: no room left while writing ${history}\ncis490: make room, then go on with the same command: df -h ${history}\n`,
  });
  assert.equal(idsIn(place, 'quarantine').length, 4, 'nothing is moved whose reason could not be kept');
  disk.removeFiller();
  assert.match((await requeue()).stdout, /4 episodes requeued/);
  assert.deepEqual([idsIn(place, 'quarantine').length, idsIn(place, 'episodes').length], [0, 4]);
});
