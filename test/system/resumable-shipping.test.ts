// Large episodes from the real shipper to the real receiver over a link that fails: what has arrived is never sent again, by the bytes that
// the link counts, and nothing is lost.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../crash/seeded-random.ts';
import { publishEpisode } from '../support/episodes.ts';
import { FaultProxy, type LinkFault } from '../support/fault-proxy.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { eventually, PROJECT_ROOT, Program } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MIB = 1024 ** 2;
// What no packing makes smaller.
const NOISE = randomBytes(24 * MIB);
// Small requests and headers.
const WORDS_BYTES = 64 * 1024;
// What lay in buffers on the way when a connection ended, and is sent again.
const ON_THE_WAY_BYTES = 8 * MIB;
const SEED = Number(process.env['CIS490_TEST_SEED'] ?? Date.now() % 1_000_000);

interface Lab {
  fleet: TestFleet;
  proxy: FaultProxy;
  host: TestHost;
  receiver: Program;
  published: Published[];
}

async function openLab(
  t: TestContext,
  faults: LinkFault[],
  { sizeBytes = NOISE.byteLength, idleTimeoutS = 60, commit = GOOD_COMMIT } = {},
): Promise<Lab> {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const proxy = await FaultProxy.start(t, fleet.port, faults);
  const host = fleet.addHost('lab-1', `concurrency = 1\nresumable_above = "1 MiB"`);
  const toml = readFileSync(host.config, 'utf8');
  const url = `url = "${proxy.url}"\nidle_timeout_s = ${idleTimeoutS}`;
  writeFileSync(host.config, toml.replace(`url = "${fleet.url}"`, url));
  const files = { 'data.bin': NOISE.subarray(0, sizeBytes) };
  const manifest = publishEpisode(host.data, 'lab-1', { episodeId: 'ep-0', commit, files });
  return { fleet, proxy, host, receiver, published: [{ host, episodeId: 'ep-0', manifest }] };
}

/** Runs the daemon until all is shipped; resolves with its log. */
async function converge(t: TestContext, { fleet, host, receiver, published }: Lab): Promise<string> {
  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  const isDone = () => namesIn(join(host.data, 'shipped')).length === published.length;
  await eventually(isDone, 'every episode is shipped');
  await shipper.stop();
  await receiver.kill();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: published.length });
  assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
  return shipper.stderr;
}

/** How much of the one upload under way the receiver has in its file. */
function arrivedBytes({ fleet }: Lab): number {
  const bodies = namesIn(join(fleet.store, 'uploads')).filter((name) => name.endsWith('.body'));
  return Math.max(0, ...bodies.map((name) => statSync(join(fleet.store, 'uploads', name)).size));
}

/** From which bytes on the log says that an upload went on. */
function resumptions(log: string): number[] {
  return [...log.matchAll(/upload goes on .*?from_byte=(\d+)/g)].map(([, byte]) => Number(byte));
}

/** The link has carried the episode once, and `sentAgainBytes`. A machine that stands still for a while may break a connection more than was planned. */
function assertCarriedOnce({ fleet, proxy }: Lab, log: string, sentAgainBytes: number): void {
  const unplanned = Math.max(0, [...log.matchAll(/not shipped yet/g)].length - 1);
  const storedBytes = readRows(fleet.store).reduce((sum, { bytes }) => sum + bytes, 0);
  const most = storedBytes + sentAgainBytes + unplanned * ON_THE_WAY_BYTES + WORDS_BYTES;
  assert.ok(proxy.passedBytes <= most, `${proxy.passedBytes} passed, of at most ${most}`);
}

test('an episode that is large goes by an upload, and no byte of it goes twice', async (t) => {
  const lab = await openLab(t, []);
  const log = await converge(t, lab);
  const [row] = readRows(lab.fleet.store);
  assert.ok(row && lab.proxy.passedBytes < row.bytes + WORDS_BYTES, `${lab.proxy.passedBytes} of ${row?.bytes}`);
  const receipt = JSON.parse(readFileSync(join(lab.host.data, 'shipped/ep-0/receipt.json'), 'utf8'));
  assert.deepEqual([receipt.status, receipt.sha256], ['duplicate', row.sha256]);
  assert.doesNotMatch(log, /resumable uploads cannot be used|not shipped yet/);
  assert.match(lab.receiver.stderr, /PUT \/v1\/episodes\/lab-1\/ep-0\.tar\.zst HTTP\/1\.1" 201/);
});

const FAR = 14 * MIB;

for (const [what, faults, idleTimeoutS, sentAgainBytes] of [
  ['cut in the headers', [{ kind: 'cut', atByte: 40 }], 60, 0],
  ['cut far in', [{ kind: 'cut', atByte: FAR }], 60, ON_THE_WAY_BYTES],
  ['reset far in', [{ kind: 'reset', atByte: FAR }], 60, ON_THE_WAY_BYTES],
  // The connection stays open at the receiver all the while: the next one takes the upload over.
  ['stalled far in', [{ kind: 'stall', atByte: FAR }], 2, ON_THE_WAY_BYTES],
  ['without an answer after the commit', [{ kind: 'lose-answer' }], 60, 0],
] as ReadonlyArray<[string, LinkFault[], number, number]>) {
  test(`a connection ${what}`, async (t) => {
    const lab = await openLab(t, faults, { idleTimeoutS });
    const log = await converge(t, lab);
    assert.match(log, /not shipped yet/);
    assertCarriedOnce(lab, log, sentAgainBytes);
  });
}

test('a single pass goes on as long as each attempt brings its part', async (t) => {
  const lab = await openLab(
    t,
    Array.from({ length: 5 }, () => ({ kind: 'cut' as const, atByte: 3 * MIB })),
  );
  const { code, log } = await lab.fleet.shipOnce(lab.host);
  assert.equal(code, 0, log);
  assert.equal(lab.proxy.uploads, 6, log);
});

test('a single pass ends after three attempts that bring next to nothing', async (t) => {
  const lab = await openLab(
    t,
    Array.from({ length: 5 }, () => ({ kind: 'cut' as const, atByte: 32 * 1024 })),
  );
  const { code, log } = await lab.fleet.shipOnce(lab.host);
  assert.equal(code, 1, log);
  assert.equal(lab.proxy.uploads, 3, log);
});

test('a connection half-open after the last byte: the receipt comes by another', async (t) => {
  const lab = await openLab(t, [{ kind: 'half-open', afterAnswers: 1 }], { idleTimeoutS: 2 });
  const log = await converge(t, lab);
  assertCarriedOnce(lab, log, 0);
});

test('a smaller episode that was cut off on its way goes on by an upload', async (t) => {
  const lab = await openLab(
    t,
    [2, 9].map((n) => ({ kind: 'cut' as const, atByte: n * MIB })),
    { sizeBytes: 12 * MIB },
  );
  const toml = readFileSync(lab.host.config, 'utf8');
  writeFileSync(lab.host.config, toml.replace('resumable_above = "1 MiB"', 'resumable_above = "16 MiB"'));
  const log = await converge(t, lab);
  assert.equal(resumptions(log).length, 1, log);
});

/** A broken-off upload: so many bytes have passed the link, and what the receiver has of them lies still. */
async function stallAt(lab: Lab, atByte: number): Promise<number> {
  await eventually(() => lab.proxy.passedBytes >= atByte, `${atByte} bytes have passed`);
  let before = -1;
  await eventually(async () => {
    const settled = arrivedBytes(lab) === before && before > 0;
    before = arrivedBytes(lab);
    if (!settled) await delay(200);
    return settled;
  }, 'what has passed lies in the file');
  return before;
}

for (const who of ['shipper', 'receiver', 'both'] as const) {
  test(`SIGKILL of ${who} at a random byte: it goes on from the last byte that has arrived (seed ${SEED})`, async (t) => {
    const random = seededRandom(SEED);
    const atByte = Math.floor((2 + random() * 20) * MIB);
    const lab = await openLab(t, [{ kind: 'stall', atByte }], { idleTimeoutS: who === 'receiver' ? 2 : 60 });
    const { fleet, host } = lab;
    const shipper = fleet.startShipper(host);
    t.after(() => shipper.kill());
    const arrived = await stallAt(lab, atByte);
    if (who !== 'shipper') {
      await lab.receiver.kill();
      lab.receiver = await fleet.startReceiver();
      t.after(() => lab.receiver.kill());
    }
    if (who !== 'receiver') await shipper.kill();
    const published = await checkNothingLost(fleet.store, lab.published);
    assert.deepEqual(published, { faults: [], stored: 0 });
    let log = '';
    if (who === 'receiver') {
      await eventually(() => namesIn(join(host.data, 'shipped')).length === 1, 'it is shipped');
      await shipper.stop();
      log = shipper.stderr;
      await lab.receiver.kill();
      assert.deepEqual(await checkNothingLost(fleet.store, lab.published, true), { faults: [], stored: 1 });
    } else log = await converge(t, lab);
    const [fromByte = 0] = resumptions(log);
    assert.ok(arrived > 0 && fromByte >= arrived, `${fromByte} of ${arrived} that had arrived`);
    assertCarriedOnce(lab, log, atByte - arrived);
    t.diagnostic(`killed at ${atByte}, ${arrived} had arrived, went on from ${fromByte}`);
  });
}

test('what the gate refuses crosses no link, not a byte of it', async (t) => {
  const lab = await openLab(t, [], { commit: STALE_COMMIT });
  const { code, log } = await lab.fleet.shipOnce(lab.host);
  assert.equal(code, 0, log);
  const reason = JSON.parse(readFileSync(join(lab.host.data, 'quarantine/ep-0/quarantine_reason.json'), 'utf8'));
  assert.deepEqual([reason.status, reason.code], [412, 'commit-not-in-window']);
  assert.match(log, /remediation: /);
  assert.ok(lab.proxy.passedBytes < WORDS_BYTES, `${lab.proxy.passedBytes} passed`);
  assert.equal(lab.proxy.uploads, 0);
});

test('what the gate refuses half-way goes no further', async (t) => {
  const lab = await openLab(t, [{ kind: 'stall', atByte: 4 * MIB }]);
  const { fleet, host, proxy } = lab;
  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  await stallAt(lab, 4 * MIB);
  await shipper.kill();
  await lab.receiver.kill();
  writeFileSync(fleet.receiverConfig, readFileSync(fleet.receiverConfig, 'utf8').replace(GOOD_COMMIT, STALE_COMMIT));
  lab.receiver = await fleet.startReceiver();
  t.after(() => lab.receiver.kill());
  const before = proxy.passedBytes;
  const { code, log } = await fleet.shipOnce(host);
  assert.equal(code, 0, log);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), ['ep-0']);
  assert.ok(proxy.passedBytes - before < WORDS_BYTES, `${proxy.passedBytes - before} more passed`);
  assert.deepEqual(namesIn(join(host.data, 'outbox')), []);
});

test('an upload that the receiver has lost begins anew', async (t) => {
  const lab = await openLab(t, [{ kind: 'stall', atByte: 4 * MIB }]);
  const shipper = lab.fleet.startShipper(lab.host);
  t.after(() => shipper.kill());
  await stallAt(lab, 4 * MIB);
  await shipper.kill();
  await lab.receiver.kill();
  for (const name of readdirSync(join(lab.fleet.store, 'uploads'))) rmSync(join(lab.fleet.store, 'uploads', name));
  lab.receiver = await lab.fleet.startReceiver();
  t.after(() => lab.receiver.kill());
  assert.deepEqual(resumptions(await converge(t, lab)), []);
});

test('an upload that is slow and moves is left alone', async (t) => {
  // A busy machine may stand still for some of it.
  const idleTimeoutS = 8;
  const lab = await openLab(t, [{ kind: 'drip' }], { idleTimeoutS });
  const done = new AbortController();
  // The link's own pace, in steps that TCP tells of; all of it takes longer than a silent connection may live.
  const dripping = (async () => {
    while (!done.signal.aborted) {
      lab.proxy.letThrough(MIB);
      await delay((idleTimeoutS * 1000) / 20, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  const log = await converge(t, lab);
  done.abort();
  await dripping;
  assert.doesNotMatch(log, /not shipped yet/);
  assert.equal(lab.proxy.uploads, 1);
});

test('two hosts at once, each over a bad link, with the same episode names', async (t) => {
  const cuts = [5, 12].map((n) => ({ kind: 'cut' as const, atByte: n * MIB }));
  const lab = await openLab(t, cuts);
  const { fleet } = lab;
  const proxy = await FaultProxy.start(t, fleet.port, cuts);
  const other = fleet.addHost('lab-2', 'concurrency = 2\nresumable_above = "1 MiB"');
  writeFileSync(other.config, readFileSync(other.config, 'utf8').replace(fleet.url, proxy.url));
  const files = { 'data.bin': randomBytes(16 * MIB) };
  const manifest = publishEpisode(other.data, 'lab-2', { episodeId: 'ep-0', commit: GOOD_COMMIT, files });
  const published = [...lab.published, { host: other, episodeId: 'ep-0', manifest }];
  const shippers = [lab.host, other].map((host) => fleet.startShipper(host));
  for (const shipper of shippers) t.after(() => shipper.kill());
  const isDone = () => published.every(({ host }) => namesIn(join(host.data, 'shipped')).length === 1);
  await eventually(isDone, 'every episode is shipped');
  for (const shipper of shippers) await shipper.stop();
  await lab.receiver.kill();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 2 });
  for (const shipper of shippers) assert.ok(resumptions(shipper.stderr).length > 0, shipper.stderr);
});

test('an older receiver gets large episodes by PUT, and is not asked about each', async (t) => {
  if (!hasSystemPart(t, ['/usr/bin/python3', '-c', 'import starlette, uvicorn'], 'python3-starlette python3-uvicorn'))
    return;
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const host = fleet.addHost('lab-1', 'concurrency = 1\nresumable_above = "1 MiB"');
  const script = join(PROJECT_ROOT, 'test/support/older_receiver.py');
  const receiver = Program.command('/usr/bin/python3', [script, String(fleet.port), GOOD_COMMIT]);
  t.after(() => receiver.kill());
  await receiver.printed(/Uvicorn running/);
  for (const [index, episodeId] of ['a', 'b', 'c'].entries()) {
    const files = { data: NOISE.subarray(index, 2 * MIB + index) };
    publishEpisode(host.data, 'lab-1', { episodeId, commit: GOOD_COMMIT, files });
  }
  const { code, log } = await fleet.shipOnce(host);
  assert.equal(code, 0, log);
  assert.deepEqual(namesIn(join(host.data, 'shipped')).sort(), ['a', 'b', 'c']);
  assert.equal([...log.matchAll(/resumable uploads cannot be used/g)].length, 1, log);
  assert.equal([...(receiver.stdout + receiver.stderr).matchAll(/POST \/v1\/uploads/g)].length, 1);
});
