// A bad link between the real shipper and the real receiver: whatever it does, each episode ends up in the store, whole and once.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { publishEpisode } from '../support/episodes.ts';
import { FaultProxy, type LinkFault } from '../support/fault-proxy.ts';
import { GOOD_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { checkNothingLost, namesIn, type Published } from '../support/nothing-lost.ts';
import { eventually, type Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MIB = 1024 ** 2;
// What no packing makes smaller.
const NOISE = randomBytes(24 * MIB);

interface Link {
  fleet: TestFleet;
  proxy: FaultProxy;
  host: TestHost;
  receiver: Program;
  published: Published[];
}

async function openLink(t: TestContext, faults: LinkFault[], sizes: number[], idleTimeoutS: number): Promise<Link> {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const proxy = await FaultProxy.start(t, fleet.port, faults);
  const host = fleet.addHost('lab-1', 'concurrency = 1');
  const toml = readFileSync(host.config, 'utf8');
  const url = `url = "${proxy.url}"\nidle_timeout_s = ${idleTimeoutS}`;
  writeFileSync(host.config, toml.replace(`url = "${fleet.url}"`, url));
  const published = sizes.map((sizeBytes, index) => {
    const files = { 'data.bin': NOISE.subarray(0, sizeBytes) };
    const episodeId = `ep-${index}`;
    return { host, episodeId, manifest: publishEpisode(host.data, 'lab-1', { episodeId, commit: GOOD_COMMIT, files }) };
  });
  return { fleet, proxy, host, receiver, published };
}

/** Runs the daemon until all is shipped; resolves with its log. */
async function converge(t: TestContext, { fleet, host, receiver, published }: Link): Promise<string> {
  const shipper = fleet.startShipper(host);
  t.after(() => shipper.kill());
  const isDone = () => namesIn(join(host.data, 'shipped')).length === published.length;
  await eventually(isDone, 'every episode is shipped');
  await shipper.stop();
  await receiver.kill();
  assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: published.length });
  return shipper.stderr;
}

const FAR = 2 * MIB;

for (const [what, faults, told, uploads] of [
  ['cut in the headers', [{ kind: 'cut', atByte: 40 }], /code=econnreset/, 2],
  ['cut in the body', [{ kind: 'cut', atByte: FAR }], /code=(?:econnreset|epipe)/, 2],
  [
    'cut three times over',
    [1, 2, 3].map(() => ({ kind: 'cut' as const, atByte: MIB })),
    /code=(?:econnreset|epipe)/,
    4,
  ],
  ['reset in the body', [{ kind: 'reset', atByte: FAR }], /code=(?:econnreset|epipe)/, 2],
  // The first attempt's half a body stays open at the receiver all the while.
  ['stalled in the body', [{ kind: 'stall', atByte: FAR }], /code=idle-timeout/, 2],
  // Asked without its body whether it has arrived.
  ['without an answer after the commit', [{ kind: 'lose-answer' }], /code=econnreset/, 1],
] as ReadonlyArray<[string, LinkFault[], RegExp, number]>) {
  test(`a connection ${what}`, async (t) => {
    const link = await openLink(t, faults, [4 * MIB], what.startsWith('stalled') ? 1 : 60);
    const log = await converge(t, link);
    assert.match(log, told);
    assert.equal(link.proxy.uploads, uploads);
  });
}

test('an answer that was lost after the commit is heard as a duplicate, without the body', async (t) => {
  const link = await openLink(t, [{ kind: 'lose-answer' }], [4 * MIB], 60);
  await converge(t, link);
  const receipt = JSON.parse(readFileSync(join(link.host.data, 'shipped/ep-0/receipt.json'), 'utf8'));
  assert.equal(receipt.status, 'duplicate');
});

test('a kept connection that has gone silent is given up, and the next episode goes over a new one', async (t) => {
  const link = await openLink(t, [{ kind: 'half-open', afterAnswers: 1 }], [1_000, 1_000, 1_000], 1);
  const log = await converge(t, link);
  assert.match(log, /code=idle-timeout/);
  assert.equal(link.proxy.uploads, 2);
});

test('an upload that is slow and moves is left alone', async (t) => {
  // A busy machine may stand still for some of it.
  const idleTimeoutS = 8;
  const link = await openLink(t, [{ kind: 'drip' }], [NOISE.byteLength], idleTimeoutS);
  const { proxy } = link;
  const done = new AbortController();
  // The link's own pace; all of it takes longer than a silent connection may live.
  const dripping = (async () => {
    while (!done.signal.aborted) {
      proxy.letThrough(MIB);
      await delay((idleTimeoutS * 1000) / 20, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  const log = await converge(t, link);
  done.abort();
  await dripping;
  assert.doesNotMatch(log, /not shipped yet/);
  assert.equal(proxy.uploads, 1);
});
