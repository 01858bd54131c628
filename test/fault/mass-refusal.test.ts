// A whole fleet is refused by mistake: nothing is lost, hardly anything is asked, one error names the cure, and all is stored once the
// mistake is undone.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { canFakeTime, hurried } from '../support/fake-clock.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { type Refusal, RefusingProxy } from '../support/refusing-proxy.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const HOST_IDS = ['lab-1', 'lab-2', 'lab-3'];
const EPISODES = 24;
// A minute between two probes passes in a second.
const TIMES = 30;
// The time-outs pass as fast, and are not what is tested.
const PATIENT = 'connect_timeout_s = 6000\nidle_timeout_s = 6000';
const CONCURRENCY = 2;
// Fewer than ten in a row: the tenth is the one that shows the mistake.
const MOST_QUARANTINED = 9;

interface Member {
  host: TestHost;
  proxy: RefusingProxy;
  shipper: Program;
}

interface Place {
  fleet: TestFleet;
  receiver: Program;
  /** In front of the receiver, one for each form in which it may refuse. */
  proxies: [RefusingProxy, RefusingProxy];
}

async function openPlace(t: TestContext, receiverKeys = ''): Promise<Place> {
  const fleet = await TestFleet.create(temporaryDirectory(t), receiverKeys);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const start = () => RefusingProxy.start(t, fleet.port);
  return { fleet, receiver, proxies: [await start(), await start()] };
}

/** Three hosts with their queues and their running shippers; the last one goes by the second proxy. */
function startFleet(t: TestContext, { fleet, proxies }: Place, pace: 'hurried' | 'true') {
  const environment = pace === 'hurried' ? hurried(TIMES) : {};
  const scan = `scan_interval_s = ${pace === 'hurried' ? 10 : 0.5}`;
  const published: Published[] = [];
  const members = HOST_IDS.map((hostId, index): Member => {
    const host = fleet.addHost(hostId, `concurrency = ${CONCURRENCY}`);
    const proxy = index === HOST_IDS.length - 1 ? proxies[1] : proxies[0];
    const toml = readFileSync(host.config, 'utf8');
    const url = `url = "${proxy.url}"\n${PATIENT}`;
    writeFileSync(host.config, toml.replace(`url = "${fleet.url}"`, url).replace(/scan_interval_s.*/, scan));
    for (let n = 0; n < EPISODES; n += 1) {
      const episode = { episodeId: `${hostId}-${n}`, commit: GOOD_COMMIT, files: { data: `${hostId} ${n}` } };
      published.push({ host, episodeId: episode.episodeId, manifest: publishEpisode(host.data, hostId, episode) });
    }
    const shipper = Program.cis490(['shipper', '--config', host.config], environment);
    t.after(() => shipper.kill());
    return { host, proxy, shipper };
  });
  return { members, published };
}

/** Waits for so many more probes of each host. What has passed meanwhile bounds their number from above: a slow machine makes fewer. */
async function probedOnceAMinute(members: readonly Member[], times: number): Promise<void> {
  const sinceMs = performance.now();
  const before = members.map(({ host, proxy }) => proxy.puts(host.hostId));
  const probes = () => members.map(({ host, proxy }, index) => proxy.puts(host.hostId) - (before[index] ?? 0));
  await eventually(() => probes().every((count) => count >= times), `${times} more probes of each host`);
  const counts = probes();
  const minutes = ((performance.now() - sinceMs) * TIMES) / 60_000;
  assert.ok(Math.max(...counts) <= 1 + minutes, `${counts} probes in ${minutes} minutes of theirs`);
}

function assertPutsAtMost(members: readonly Member[], most: number): void {
  for (const { host, proxy } of members) {
    const puts = proxy.puts(host.hostId);
    assert.ok(puts <= most, `${puts} PUTs of ${host.hostId}`);
  }
}

async function allStored({ fleet, receiver }: Place, members: readonly Member[], published: Published[]) {
  const isShipped = ({ host }: Member) => namesIn(join(host.data, 'shipped')).length === EPISODES;
  await eventually(() => members.every(isShipped), 'every episode is shipped');
  for (const { shipper } of members) assert.deepEqual(await shipper.stop(), { code: 0, signal: null }, shipper.stderr);
  await receiver.stop();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: published.length });
}

const problem = (status: number, code: string): Refusal => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ type: 'about:blank', title: code, status, detail: `refused: ${code}`, code }),
});
const page = (status: number): Refusal => ({
  status,
  contentType: 'text/html',
  body: `<html><head><title>${status}</title></head><body><h1>${status}</h1><hr>nginx</body></html>`,
});

for (const [status, code, cure] of [
  [401, 'credential-invalid', /cure=.*bearer_token_file/],
  [403, 'forbidden', /cure=.*host_id/],
  [404, 'not-found', /cure=.*\[receiver\] url/],
  [405, 'method-not-allowed', /cure=.*\[receiver\] url/],
  [415, 'encoding-refused', /cure=.*what stands between \(proxy/],
] as const) {
  test(`${status} to everything, as ${code} and as a proxy's page: all waits, one probe a minute, and goes on by itself`, async (t) => {
    if (!canFakeTime(t)) return;
    const place = await openPlace(t);
    place.proxies[0].refuse(problem(status, code));
    place.proxies[1].refuse(page(status));
    const { members, published } = startFleet(t, place, 'hurried');
    for (const { shipper } of members) await shipper.printed(/ERROR shipping is held.*\n/);
    for (const proxy of place.proxies) proxy.mostPutsAtOnce = 0;
    await probedOnceAMinute(members, 3);
    for (const proxy of place.proxies) assert.equal(proxy.mostPutsAtOnce, 1, 'one probe at a time');
    for (const { host, shipper } of members) {
      assert.deepEqual(namesIn(join(host.data, 'quarantine')), []);
      assert.equal(namesIn(join(host.data, 'episodes')).length, EPISODES);
      const errors = shipper.stderr.split('\n').filter((line) => line.includes('ERROR'));
      assert.equal(errors.length, 1, errors.join('\n'));
      assert.match(errors[0] ?? '', cure);
    }
    for (const proxy of place.proxies) proxy.refuse(undefined);
    await allStored(place, members, published);
  });
}

async function reload({ fleet, receiver }: Place, receiverKeys: string): Promise<void> {
  writeFileSync(
    fleet.receiverConfig,
    `[listen]\nport = ${fleet.port}\n[store]\nroot = "${fleet.store}"\nmin_free = "1 MiB"\n${receiverKeys}`,
  );
  receiver.signal('SIGHUP');
  await receiver.printed(/configuration, tokens and certificates read again/);
}

function requeue({ host }: Member, ...which: string[]): Program {
  return Program.cis490(['quarantine', 'requeue', ...which, '--config', host.config]);
}

const RIGHT_GATE = `[version_gate]\ncommits = ["${STALE_COMMIT}", "${GOOD_COMMIT}"]\n`;

for (const [mistake, gate, code] of [
  ['a window that has moved on', `[version_gate]\ncommits = ["${STALE_COMMIT}"]\n`, 'commit-not-in-window'],
  ['a commit that is blocked', `${RIGHT_GATE}blocked_commits = ["${GOOD_COMMIT}"]\n`, 'commit-blocked'],
] as const) {
  test(`${mistake}: a few requests of each host, and one command brings all of it back`, async (t) => {
    const place = await openPlace(t, gate);
    const { members, published } = startFleet(t, place, 'true');
    const isRefused = ({ host }: Member) => namesIn(join(host.data, 'quarantine')).length === EPISODES;
    await eventually(() => members.every(isRefused), 'every episode is refused');
    assertPutsAtMost(members, CONCURRENCY);
    for (const { shipper } of members) {
      assert.match(shipper.stderr, new RegExp(`ERROR episode refused and quarantined .*code=${code}`));
    }
    const requests = place.proxies.flatMap((proxy) => proxy.requests);
    // The PUTs, one question to the gate, and a heartbeat.
    const most = HOST_IDS.length * (CONCURRENCY + 2);
    assert.ok(requests.length <= most, requests.join('\n'));

    await reload(place, RIGHT_GATE);
    const [one, ...others] = members;
    assert.ok(one);
    const commands = [requeue(one, '--code', code), ...others.map((member) => requeue(member, '--all'))];
    for (const command of commands) assert.equal((await command.ended).code, 0, command.stderr);
    await allStored(place, members, published);
  });
}

for (const [mistake, code, limit, refusal] of [
  ['a limit that was lowered', 'too-large', 'max_episode_bytes = "10 B"\n', undefined],
  ['a conflict for every episode', 'conflict', '', problem(409, 'conflict')],
] as const) {
  test(`${mistake}: it stops before the tenth of each host, and one that is taken ends it`, async (t) => {
    if (!canFakeTime(t)) return;
    const place = await openPlace(t);
    await reload(place, `${limit}${RIGHT_GATE}`);
    for (const proxy of place.proxies) proxy.refuse(refusal);
    const { members, published } = startFleet(t, place, 'hurried');
    for (const { shipper } of members)
      await shipper.printed(/ERROR shipping is held.*code=mass-refusal.*cure=.*cis490 quarantine requeue/);
    await probedOnceAMinute(members, 3);
    for (const { host, shipper } of members) {
      assert.equal(namesIn(join(host.data, 'quarantine')).length, MOST_QUARANTINED);
      assert.equal(namesIn(join(host.data, 'episodes')).length, EPISODES - MOST_QUARANTINED);
      assert.equal(shipper.stderr.match(/ERROR shipping is held/g)?.length, 1);
    }

    for (const proxy of place.proxies) proxy.refuse(undefined);
    await reload(place, RIGHT_GATE);
    const isRest = ({ host }: Member) => namesIn(join(host.data, 'shipped')).length === EPISODES - MOST_QUARANTINED;
    await eventually(() => members.every(isRest), 'what was not refused is shipped');
    const commands = members.map((member) => requeue(member, '--code', code));
    for (const command of commands) assert.equal((await command.ended).code, 0, command.stderr);
    await allStored(place, members, published);
  });
}
