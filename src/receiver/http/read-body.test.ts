import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openRaw } from '../../../test/support/raw-request.ts';
import { readBody, readSmallBody } from './read-body.ts';

const PATIENT = { windowMs: 60_000, leastBytes: 1 };

async function receive(t: TestContext, bytes: string): Promise<{ request: IncomingMessage; socket: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const socket = await openRaw((server.address() as AddressInfo).port);
  const arrived = once(server, 'request');
  socket.write(`PUT / HTTP/1.1\r\nHost: x\r\n${bytes}`);
  const [request] = await arrived;
  return { request, socket };
}

async function collect(request: IncomingMessage): Promise<{ end: string; text: string }> {
  let text = '';
  const end = await readBody(request, PATIENT, (chunk) => {
    text += chunk;
    return true;
  });
  return { end, text };
}

test('a whole body, by its length and in chunks', async (t) => {
  const byLength = await receive(t, 'Content-Length: 3\r\n\r\nabc');
  assert.deepEqual(await collect(byLength.request), { end: 'complete', text: 'abc' });
  const chunked = await receive(t, 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n');
  assert.deepEqual(await collect(chunked.request), { end: 'complete', text: 'abc' });
  const none = await receive(t, '\r\n');
  assert.deepEqual(await collect(none.request), { end: 'complete', text: '' });
});

test('a client that leaves in the middle', async (t) => {
  const { request, socket } = await receive(t, 'Content-Length: 4\r\n\r\nabc');
  const read = collect(request);
  socket.destroy();
  assert.equal((await read).end, 'aborted');
});

test('a client that has left before the reading begins', async (t) => {
  const { request, socket } = await receive(t, 'Content-Length: 4\r\n\r\nabc');
  socket.destroy();
  await new Promise((resolve) => request.socket.once('close', resolve));
  assert.equal((await collect(request)).end, 'aborted');
});

test('a client that stands still is cut off', async (t) => {
  const { request } = await receive(t, 'Content-Length: 4\r\n\r\nabc');
  assert.equal(await readBody(request, { windowMs: 24, leastBytes: 100 }, () => true), 'aborted');
  assert.equal(request.socket.destroyed, true);
});

test('a refusal ends the reading and leaves the connection for the answer', async (t) => {
  const { request } = await receive(t, 'Content-Length: 4\r\n\r\nabc');
  assert.equal(await readBody(request, PATIENT, () => false), 'refused');
  assert.equal(request.socket.destroyed, false);
});

test('what the taker throws is thrown', async (t) => {
  const { request } = await receive(t, 'Content-Length: 3\r\n\r\nabc');
  const failing = readBody(request, PATIENT, () => Promise.reject(new Error('disk full')));
  await assert.rejects(failing, /disk full/);
  assert.equal(request.socket.destroyed, false);
});

const small: [name: string, bytes: string, outcome: string][] = [
  ['as large as it may be', 'Content-Length: 4\r\n\r\nabcd', 'abcd'],
  ['declared larger', 'Content-Length: 5\r\n\r\n', 'too-large'],
  ['chunked and larger', 'Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n', 'too-large'],
  ['chunked and small', 'Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n', 'abcd'],
];
for (const [name, bytes, outcome] of small) {
  test(`a small body: ${name}`, async (t) => {
    const { request } = await receive(t, bytes);
    assert.equal(String(await readSmallBody(request, PATIENT, 4)), outcome);
  });
}
