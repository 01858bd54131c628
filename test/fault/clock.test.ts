// A wall clock that steps by a year, starts in 1970, or stands still, under the real programs: nothing is deleted too early, nothing
// is asked or recorded more often, shipping goes on, and no two episodes get one id.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { manifestOf, publishEpisode } from '../support/episodes.ts';
import { canFakeTime, SteppingClock } from '../support/fake-clock.ts';
import { GOOD_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { type Refusal, RefusingProxy } from '../support/refusing-proxy.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const DAY_S = 86_400;
const YEAR_MS = 365 * DAY_S * 1000;
const KEEP_DAYS = 'shipped_keep_days = 7\nquarantine_keep_days = 30\nquarantine_cleanup_interval_s = 0.1';
// How long the shipper has run in earlier lives: long enough for anything to be old by it.
const EARLIER_UPTIME_S = 400 * DAY_S;
const REFUSED: Refusal = { status: 401, contentType: 'text/plain', body: 'no' };

interface Place {
  fleet: TestFleet;
  host: TestHost;
  proxy: RefusingProxy;
  clock: SteppingClock;
  published: Published[];
  receiver: Program;
}

/** Only the lab host's clock is wrong. `time` as SteppingClock takes it. */
async function openPlace(t: TestContext, time: string): Promise<Place | undefined> {
  if (!canFakeTime(t)) return undefined;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const proxy = await RefusingProxy.start(t, fleet.port);
  const host = fleet.addHost('lab-1', KEEP_DAYS);
  writeFileSync(host.config, readFileSync(host.config, 'utf8').replace(fleet.url, proxy.url));
  return { fleet, host, proxy, clock: new SteppingClock(join(root, 'clock'), time), published: [], receiver };
}

function startShipper(t: TestContext, { host, clock }: Place): Program {
  const shipper = Program.cis490(['shipper', '--config', host.config], clock.environment);
  t.after(() => shipper.kill());
  return shipper;
}

function publish({ host, published }: Place, ...episodeIds: string[]): void {
  for (const episodeId of episodeIds) {
    const manifest = publishEpisode(host.data, 'lab-1', { episodeId, commit: GOOD_COMMIT, files: { data: episodeId } });
    published.push({ host, episodeId, manifest });
  }
}

const isoTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000+00:00');

/** An episode that came to `place` when `wallMs` was the time and the shipper had run for `uptimeS`. */
function putSettled(
  { host }: Place,
  place: 'shipped' | 'quarantine',
  id: string,
  wallMs: number,
  uptimeS: number,
): void {
  const note =
    place === 'shipped'
      ? { name: 'receipt.json', content: { shipped_at_wall: isoTime(wallMs) } }
      : {
          name: 'quarantine_reason.json',
          content: { episode_id: id, code: 'conflict', quarantined_at_wall: isoTime(wallMs) },
        };
  const directory = join(host.data, 'recording', id);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, note.name), JSON.stringify({ ...note.content, shipper_uptime_s: uptimeS }));
  mkdirSync(join(host.data, place), { recursive: true });
  renameSync(directory, join(host.data, place, id));
}

function setEarlierUptime({ host }: Place): void {
  writeFileSync(join(host.data, 'shipper-uptime.json'), JSON.stringify({ uptime_s: EARLIER_UPTIME_S }));
}

/** Resolves when what is old by both clocks has been deleted: so the shipper has looked, by the clock as it is now. */
async function cleanedUp(place: Place, nowMs: number): Promise<void> {
  const id = `old-${nowMs}`;
  putSettled(place, 'shipped', id, nowMs - 60 * DAY_S * 1000, 0);
  putSettled(place, 'quarantine', id, nowMs - 60 * DAY_S * 1000, 0);
  const isThere = (where: string) => namesIn(join(place.host.data, where)).includes(id);
  await eventually(() => !isThere('shipped') && !isThere('quarantine'), 'what is old by both clocks is deleted');
}

async function shipped({ host }: Place, ...ids: string[]): Promise<void> {
  const isDone = () => ids.every((id) => namesIn(join(host.data, 'shipped')).includes(id));
  await eventually(isDone, `${ids} are shipped`);
}

async function assertAllStored({ fleet, receiver, published }: Place, shipper: Program): Promise<void> {
  assert.equal((await shipper.stop()).code, 0, shipper.stderr);
  await receiver.stop();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: published.length });
}

test('steps of a year, forth and back, while it runs: nothing is deleted by one clock alone, and shipping goes on', async (t) => {
  const place = await openPlace(t, '+0');
  if (!place) return;
  const { host, proxy, clock } = place;
  setEarlierUptime(place);
  const trueMs = Date.now();
  // Young by the shipper's own time, and a year old as soon as the clock is a year ahead.
  putSettled(place, 'shipped', 'young', trueMs, EARLIER_UPTIME_S);
  putSettled(place, 'quarantine', 'young', trueMs, EARLIER_UPTIME_S);
  publish(place, 'before');
  const startedAtMs = performance.now();
  const shipper = startShipper(t, place);
  await shipped(place, 'before');
  let steps = 0;
  for (const [offset, offsetMs] of [
    ['+1y', YEAR_MS],
    ['-1y', -YEAR_MS],
    ['+1y', YEAR_MS],
    ['+0', 0],
  ] as const) {
    clock.set(offset);
    steps += 1;
    publish(place, `after-${steps}`);
    await shipped(place, `after-${steps}`);
    const receipt = JSON.parse(readFileSync(join(host.data, 'shipped', `after-${steps}`, 'receipt.json'), 'utf8'));
    const farMs = Math.abs(Date.parse(receipt.shipped_at_wall) - (trueMs + offsetMs));
    assert.ok(farMs < DAY_S * 1000, `the clock has not stepped: ${receipt.shipped_at_wall}`);
    await cleanedUp(place, trueMs + offsetMs);
    const kept = ['before', 'young', ...Array.from({ length: steps }, (_, n) => `after-${n + 1}`)];
    assert.deepEqual(namesIn(join(host.data, 'shipped')).sort(), kept.sort());
    assert.deepEqual(namesIn(join(host.data, 'quarantine')), ['young']);
  }
  assert.equal(proxy.puts('lab-1'), 1 + steps, 'one PUT each');
  const fiveMinutes = (performance.now() - startedAtMs) / 300_000;
  // And a heartbeat every five minutes.
  assert.ok(proxy.requests.length <= 1 + steps + 1 + fiveMinutes, proxy.requests.join('\n'));
  await assertAllStored(place, shipper);
});

test('steps of a year while shipping is held: they bring no probe', async (t) => {
  const place = await openPlace(t, '+0');
  if (!place) return;
  const { proxy, clock } = place;
  setEarlierUptime(place);
  proxy.refuse(REFUSED);
  publish(place, 'a', 'b', 'c');
  const startedAtMs = performance.now();
  const shipper = startShipper(t, place);
  await shipper.printed(/ERROR shipping is held/);
  const trueMs = Date.now();
  for (const [offset, offsetMs] of [
    ['+1y', YEAR_MS],
    ['-1y', -YEAR_MS],
    ['+0', 0],
  ] as const) {
    clock.set(offset);
    await cleanedUp(place, trueMs + offsetMs);
  }
  const minutes = (performance.now() - startedAtMs) / 60_000;
  // As many as are sent at the same time, and a probe for each true minute.
  assert.ok(proxy.puts('lab-1') <= 2 + minutes, `${proxy.puts('lab-1')} PUTs in ${minutes} minutes`);
  assert.equal((await shipper.stop()).code, 0);
});

test('no clock at the start, 1970, and the true time later: shipped and kept', async (t) => {
  const place = await openPlace(t, '@1970-01-01 00:00:30');
  if (!place) return;
  const { host, clock } = place;
  const trueMs = Date.now();
  setEarlierUptime(place);
  putSettled(place, 'shipped', 'younger-than-now', trueMs - DAY_S * 1000, EARLIER_UPTIME_S - DAY_S);
  putSettled(place, 'quarantine', 'younger-than-now', trueMs - DAY_S * 1000, EARLIER_UPTIME_S - DAY_S);
  publish(place, 'in-1970', 'in-1970-too');
  const shipper = startShipper(t, place);
  await shipped(place, 'in-1970', 'in-1970-too');
  assert.match(
    readFileSync(join(host.data, 'shipped/in-1970/receipt.json'), 'utf8'),
    /"shipped_at_wall": "1970-01-01T/,
  );
  clock.set('+0');
  publish(place, 'today');
  await shipped(place, 'today');
  await cleanedUp(place, trueMs);
  assert.deepEqual(namesIn(join(host.data, 'shipped')).sort(), ['in-1970', 'in-1970-too', 'today', 'younger-than-now']);
  assert.deepEqual(namesIn(join(host.data, 'quarantine')), ['younger-than-now']);
  await assertAllStored(place, shipper);
});

interface Recorder {
  orchestrator: Program;
  putJob: (id: string) => void;
}

/** With a workload that is due once an hour, and one for each job, which waits for the file `go-<job>`. */
async function startRecorder(t: TestContext, { fleet, host, clock }: Place): Promise<Recorder> {
  const code = join(fleet.root, 'code');
  mkdirSync(code);
  writeFileSync(join(code, 'VERSION'), GOOD_COMMIT);
  const workload = (name: string, script: string, occasion: string) =>
    `[[orchestrator.workload]]\nname = "${name}"\ncommand = ["sh", "-c", ${JSON.stringify(script)}]\n${occasion}\ncode_root = "${code}"\ntimeout_s = 3600\n`;
  const wait = `touch ${fleet.root}/runs-$CIS490_JOB_ID; while [ ! -e ${fleet.root}/go-$CIS490_JOB_ID ]; do sleep 0.02; done`;
  const workloads = workload('hourly', 'true', 'interval_s = 3600') + workload('job', wait, 'queue = true');
  writeFileSync(host.config, `${readFileSync(host.config, 'utf8')}[orchestrator]\nenabled = true\n${workloads}`);
  const orchestrator = Program.cis490(['orchestrator', '--config', host.config], clock.environment);
  t.after(() => orchestrator.kill());
  const queue = join(host.data, 'queue');
  await eventually(() => namesIn(queue).includes('failed'), 'it has its queue');
  const putJob = (id: string) => {
    writeFileSync(join(queue, `.${id}.json`), JSON.stringify({ workload: 'job' }));
    renameSync(join(queue, `.${id}.json`), join(queue, `${id}.json`));
  };
  return { orchestrator, putJob };
}

for (const [what, from, to] of [
  ['a year ahead', '+0', '+1y'],
  ['a year back', '+0', '-1y'],
  ['from 1970 to now', '@1970-01-01 00:00:30', '+0'],
] as const) {
  test(`the clock steps while it records: ${what}`, async (t) => {
    const place = await openPlace(t, from);
    if (!place) return;
    const { fleet, host, clock } = place;
    const startedAtMs = performance.now();
    const { orchestrator, putJob } = await startRecorder(t, place);
    await orchestrator.printed(/episode recorded .*workload=hourly/);
    putJob('during');
    await eventually(() => namesIn(fleet.root).includes('runs-during'), 'the job runs');
    clock.set(to);
    writeFileSync(join(fleet.root, 'go-during'), '');
    await orchestrator.printed(/job done job=during /);
    const lastedS = (performance.now() - startedAtMs) / 1000;
    // Its plan is looked at once more before the next job is taken.
    writeFileSync(join(fleet.root, 'go-after'), '');
    putJob('after');
    await orchestrator.printed(/job done job=after /);
    assert.equal((await orchestrator.stop()).code, 0, orchestrator.stderr);

    const episodes = namesIn(join(host.data, 'episodes'));
    assert.equal(episodes.filter((id) => id.startsWith('hourly-')).length, 1, 'not due again');
    const outcome = JSON.parse(readFileSync(join(host.data, 'queue/done/during.json'), 'utf8')).outcome;
    const meta = JSON.parse(readFileSync(join(host.data, 'episodes', outcome.episode_id, 'meta.json'), 'utf8'));
    const steppedMs = Date.parse(meta.ended_at_wall) - Date.parse(meta.started_at_wall);
    assert.ok(Math.abs(steppedMs) > YEAR_MS - DAY_S * 1000, 'the clock has not stepped');
    assert.ok(meta.duration_s >= 0 && meta.duration_s <= lastedS, `${meta.duration_s} s of ${lastedS}`);
    assert.deepEqual(meta.exit, { code: 0, signal: null, timed_out: false });
  });
}

test('a clock that stands still and one that comes back to the same second: each recording has an id of its own', async (t) => {
  const second = '2026-05-01 06:37:53';
  const place = await openPlace(t, second);
  if (!place) return;
  const { fleet, host, clock, published } = place;
  const { orchestrator, putJob } = await startRecorder(t, place);
  const jobs = Array.from({ length: 12 }, (_, n) => `${n}`);
  for (const job of jobs) writeFileSync(join(fleet.root, `go-${job}`), '');
  for (const job of jobs) {
    if (job === '6') clock.set('+1y');
    if (job === '7') clock.set(second);
    putJob(job);
    await orchestrator.printed(new RegExp(`job done job=${job} `));
  }
  assert.equal((await orchestrator.stop()).code, 0, orchestrator.stderr);
  const ids = namesIn(join(host.data, 'episodes'));
  assert.equal(ids.length, jobs.length + 1, 'and the hourly one');
  assert.equal(ids.filter((id) => id.startsWith('job-20260501T063753Z-')).length, jobs.length - 1);
  for (const episodeId of ids)
    published.push({ host, episodeId, manifest: manifestOf(join(host.data, 'episodes', episodeId)) });
  const shipper = startShipper(t, place);
  await shipped(place, ...ids);
  await assertAllStored(place, shipper);
});
