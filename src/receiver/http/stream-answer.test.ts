import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import type { Context } from 'hono';
import { openRaw, readAnswers } from '../../../test/support/raw-request.ts';
import type { RouteEnvironment } from './route-environment.ts';
import { streamAnswer } from './stream-answer.ts';

interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  client: Socket;
}

async function begin(t: TestContext, method = 'GET'): Promise<Exchange> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const client = await openRaw((server.address() as AddressInfo).port);
  const arrived = once(server, 'request');
  client.write(`${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const [incoming, outgoing] = await arrived;
  return { incoming, outgoing, client };
}

async function stream({ incoming, outgoing }: Exchange, source: Readable): Promise<void> {
  const context = { env: { incoming, outgoing }, req: { method: incoming.method } };
  await streamAnswer(context as unknown as Context<RouteEnvironment>, 200, { 'X-A': 'b' }, source);
}

test('all of it arrives', async (t) => {
  const exchange = await begin(t);
  const read = readAnswers(exchange.client);
  await stream(exchange, Readable.from(['one', 'two']));
  assert.deepEqual(
    (await read).answers.map(({ body }) => body),
    ['onetwo'],
  );
});

const leavings: [name: string, prepare: (exchange: Exchange) => Promise<unknown>][] = [
  [
    'the reader has left before it begins',
    async ({ client, outgoing }) => {
      const closed = once(outgoing, 'close');
      client.destroy();
      await closed;
    },
  ],
  ['its connection is gone but not closed yet', async ({ incoming }) => incoming.socket.destroy()],
  ['it was answered otherwise meanwhile', async ({ outgoing }) => outgoing.end('no')],
];
for (const [name, prepare] of leavings) {
  test(`the source is closed when ${name}`, async (t) => {
    const exchange = await begin(t);
    const source = new Readable({ read() {} });
    await prepare(exchange);
    await stream(exchange, source);
    assert.equal(source.destroyed, true);
  });
}

test('the source is closed when HEAD asks for the headers alone', async (t) => {
  const exchange = await begin(t, 'HEAD');
  const source = new Readable({ read() {} });
  const read = readAnswers(exchange.client, { methods: ['HEAD'] });
  await stream(exchange, source);
  assert.equal((await read).answers[0]?.headers['x-a'], 'b');
  assert.equal(source.destroyed, true);
});

test('a source that fails cuts the answer off', async (t) => {
  const exchange = await begin(t);
  const read = readAnswers(exchange.client);
  const source = new Readable({ read() {} });
  source.push('half');
  exchange.client.once('data', () => source.destroy(new Error('disk')));
  await stream(exchange, source).catch(() => undefined);
  assert.deepEqual((await read).answers, []);
});
