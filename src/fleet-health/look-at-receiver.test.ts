// What counts as a receiver that answers: real servers of several kinds.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestAuthority } from '../../test/support/certificates.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { lookAtReceiver } from './look-at-receiver.ts';

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const healthy: RequestListener = (request, response) => {
  response.writeHead(request.url === '/healthz' ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end('{"ok":true}');
};

/** The second look comes at once. */
const clock = { sleep: async () => undefined };

const ANSWERS: Array<[name: string, listener: RequestListener, down: RegExp | undefined]> = [
  ['a receiver', healthy, undefined],
  ['a proxy without its receiver', (_, response) => response.writeHead(502).end('Bad Gateway'), /status 502/],
  ['a page', (_, response) => response.end('<html>welcome</html>'), /no receiver \(status 200\)/],
  ['JSON that is no health', (_, response) => response.end('null'), /no receiver/],
  ['one that breaks off', (request) => void request.socket.destroy(), /does not answer/],
  ['endless bytes', (_, response) => void response.end('x'.repeat(1_000_000)), /no receiver/],
];

for (const [name, listener, down] of ANSWERS) {
  test(`what answers is ${name}`, async (t) => {
    const url = `http://${await listen(t, createServer(listener))}`;
    const look = await lookAtReceiver({ url, storeRoot: temporaryDirectory(t), minFreeBytes: 0, clock });
    if (down === undefined) return assert.deepEqual(look, { kind: 'well' });
    assert.equal(look.kind, 'down');
    assert.match(look.kind === 'down' ? look.detail : '', down);
  });
}

test('any certificate will do: it is not believed, only asked', async (t) => {
  const authority = TestAuthority.create(join(temporaryDirectory(t), 'ca'));
  const { cert, key } = authority.issueForServer({ fromDays: -9, untilDays: -1, san: 'DNS:elsewhere.lab' });
  const url = `https://${await listen(t, createTlsServer({ cert, key }, healthy))}/`;
  const look = await lookAtReceiver({ url, storeRoot: temporaryDirectory(t), minFreeBytes: 0, clock });
  assert.deepEqual(look, { kind: 'well' });
});

test('nobody listens; somebody listens and says nothing', async (t) => {
  const place = { storeRoot: temporaryDirectory(t), minFreeBytes: 0, clock, limitMs: 50 };
  const silent = await listen(
    t,
    createTcpServer((socket) => void socket.on('error', () => undefined).unref()),
  );
  const look = await lookAtReceiver({ ...place, url: `http://${silent}` });
  assert.match(look.kind === 'down' ? look.detail : '', /nothing came within 0.05 s/);
  const gone = await lookAtReceiver({ ...place, url: 'http://127.0.0.1:1', limitMs: 60_000 });
  assert.match(gone.kind === 'down' ? gone.detail : '', /ECONNREFUSED/);
});

test('a store that is short of room, or is not there', async (t) => {
  const url = `http://${await listen(t, createServer(healthy))}`;
  const storeRoot = temporaryDirectory(t);
  const full = await lookAtReceiver({ url, storeRoot, minFreeBytes: Number.MAX_SAFE_INTEGER, clock });
  assert.equal(full.kind, 'cannot-store');
  assert.match(full.kind === 'cannot-store' ? full.detail : '', /in reserve/);
  const none = await lookAtReceiver({ url, storeRoot: join(storeRoot, 'none'), minFreeBytes: 0, clock });
  assert.equal(none.kind, 'cannot-store');
  const unknown = await lookAtReceiver({ url: undefined, storeRoot, minFreeBytes: 0, clock });
  assert.deepEqual(unknown, { kind: 'well' });
});

test('a restart is no fault: one that does not answer is asked again', async (t) => {
  let asked = 0;
  const restarting: RequestListener = (request, response) => {
    asked += 1;
    if (asked === 1) request.socket.destroy();
    else healthy(request, response);
  };
  const url = `http://${await listen(t, createServer(restarting))}`;
  const place = { storeRoot: temporaryDirectory(t), minFreeBytes: 0 };
  const sleptMs: number[] = [];
  const patient = { sleep: async (ms: number) => void sleptMs.push(ms) };
  const look = await lookAtReceiver({ ...place, url, clock: patient });
  assert.deepEqual([look.kind, asked, sleptMs], ['well', 2, [10_000]]);
});
