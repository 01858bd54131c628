// tus-js-client, which knows nothing of this receiver, over links that fail at many places: stored once, byte for byte.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DefaultHttpStack, Upload } from 'tus-js-client';
import { sha256 } from '../support/episodes.ts';
import { FaultProxy, type LinkFault } from '../support/fault-proxy.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, type Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { noise } from '../support/tus.ts';

const BODY = noise(6 * 1024 * 1024);

interface Bench {
  fleet: TestFleet;
  receiver: Program;
  proxy: FaultProxy;
  upload: Upload;
  ended: Promise<void>;
}

async function open(t: TestContext, plan: LinkFault[], chunkSize = Number.POSITIVE_INFINITY): Promise<Bench> {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const proxy = await FaultProxy.start(t, fleet.port, plan);
  return { fleet, receiver, proxy, ...makeUpload(proxy, { chunkSize }) };
}

/** `uploadUrl`: it begins by asking how far that one is. */
function makeUpload(
  proxy: FaultProxy,
  options: { chunkSize?: number; uploadUrl?: string | null },
): Pick<Bench, 'upload' | 'ended'> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const upload = new Upload(BODY, {
    endpoint: `${proxy.url}/v1/uploads`,
    // A connection for each request: the proxy looks at a connection's first.
    httpStack: new DefaultHttpStack({ agent: new Agent({ keepAlive: false }) }),
    metadata: { host_id: 'lab-1', episode_id: 'ep-1', sha256: sha256(BODY), commit: GOOD_COMMIT },
    retryDelays: Array(20).fill(0),
    onError: reject,
    onSuccess: () => resolve(),
    ...options,
  });
  return { upload, ended };
}

async function checkStoredOnce({ fleet }: Bench): Promise<void> {
  const receipt = await put(fleet.port, '/v1/episodes/lab-1/ep-1.tar.zst', BODY);
  assert.deepEqual([receipt.status, receipt.json['status']], [200, 'duplicate']);
  assert.equal(readRows(fleet.store).length, 1);
  assert.equal(sha256(readFileSync(join(fleet.store, 'episodes/lab-1/ep-1.tar.zst'))), sha256(BODY));
  assert.deepEqual(namesIn(join(fleet.store, 'uploads')), ['idle.json']);
}

test('whole, over a good link', async (t) => {
  const bench = await open(t, []);
  bench.upload.start();
  await bench.ended;
  assert.equal(bench.proxy.uploads, 1);
  await checkStoredOnce(bench);
});

test('in pieces of a megabyte', async (t) => {
  const bench = await open(t, [], 1024 ** 2);
  bench.upload.start();
  await bench.ended;
  assert.equal(bench.proxy.uploads, 6);
  await checkStoredOnce(bench);
});

test('over sockets that are killed at many places: each byte that came is not sent again', async (t) => {
  const places = [3, 700, 70_000, 1_000_000, 1_500_000, 2_000_000];
  const plan = places.map((atByte, index): LinkFault => ({ kind: index % 2 === 0 ? 'cut' : 'reset', atByte }));
  const bench = await open(t, plan);
  bench.upload.start();
  await bench.ended;
  assert.equal(bench.proxy.uploads, places.length + 1);
  await checkStoredOnce(bench);
});

test('the last answer is lost: the client learns from the receiver that it is at the end', async (t) => {
  const bench = await open(t, [{ kind: 'lose-answer' }]);
  bench.upload.start();
  await bench.ended;
  await checkStoredOnce(bench);
});

test('a half-open connection holds the upload: the next one takes it over', async (t) => {
  const bench = await open(t, [{ kind: 'stall', atByte: 2_000_000 }]);
  const { fleet, upload, proxy } = bench;
  upload.start();
  const bodies = () => namesIn(join(fleet.store, 'uploads')).filter((name) => name.endsWith('.body'));
  const receivedBytes = () => readFileSync(join(fleet.store, 'uploads', bodies()[0] ?? '')).length;
  await eventually(() => bodies().length === 1 && receivedBytes() > 1_000_000, 'a part of it has come');
  // The client gives up, and the receiver does not hear of it.
  await upload.abort();
  const next = makeUpload(proxy, { uploadUrl: upload.url });
  next.upload.start();
  await next.ended;
  assert.equal(proxy.uploads, 2);
  assert.match(bench.receiver.stderr, /upload was cut off; what came of it is kept/);
  await checkStoredOnce(bench);
});

test('the receiver is killed under it and comes back: it goes on', async (t) => {
  const bench = await open(t, [{ kind: 'stall', atByte: 3_000_000 }]);
  const { fleet, upload } = bench;
  upload.start();
  const bodies = () => namesIn(join(fleet.store, 'uploads')).filter((name) => name.endsWith('.body'));
  const receivedBytes = () => readFileSync(join(fleet.store, 'uploads', bodies()[0] ?? '')).length;
  await eventually(() => bodies().length === 1 && receivedBytes() > 1_000_000, 'a part of it has come');
  await bench.receiver.kill();
  await upload.abort();
  const again = await fleet.startReceiver();
  t.after(() => again.kill());
  assert.match(again.stderr, /uploads: under way, and may be gone on with uploads=1/);
  const sentBefore = bench.proxy.passedBytes;
  const next = makeUpload(bench.proxy, { uploadUrl: upload.url });
  next.upload.start();
  await next.ended;
  assert.ok(bench.proxy.passedBytes - sentBefore < BODY.length - 500_000, 'what had come is not sent again');
  await checkStoredOnce(bench);
});
