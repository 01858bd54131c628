import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/support/program.ts';
import { openRaw, readAnswers } from '../../../test/support/raw-request.ts';
import { OneAtATime } from './one-at-a-time.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

/** Each request is begun by the turns, and answered by the test. */
async function start(t: TestContext) {
  const begun: { path: string; request: IncomingMessage; response: ServerResponse }[] = [];
  const turns = new OneAtATime();
  let arrived = 0;
  const server = createServer((request, response) => {
    arrived += 1;
    turns.run(request, response, () => begun.push({ path: request.url ?? '', request, response }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const socket = await openRaw((server.address() as AddressInfo).port);
  return { turns, begun, socket, arrived: () => arrived, paths: () => begun.map(({ path }) => path) };
}

test('each is begun when the answer before it has been sent, in order', async (t) => {
  const { begun, socket, arrived, paths, turns } = await start(t);
  const read = readAnswers(socket, { leaveAfter: 3 });
  socket.write(['/1', '/2', '/3'].map(get).join(''));
  await eventually(() => arrived() === 3, 'all have arrived');
  for (const count of [1, 2, 3]) {
    await eventually(() => begun.length >= count, `${count} begun`);
    assert.deepEqual(paths(), ['/1', '/2', '/3'].slice(0, count));
    const last = begun.at(-1);
    assert.equal(last && turns.isBusy(last.request.socket), true);
    last?.response.end(String(count));
  }
  assert.deepEqual(
    (await read).answers.map(({ body }) => body),
    ['1', '2', '3'],
  );
});

test('nothing is begun behind an answer that ends the connection', async (t) => {
  const { begun, socket, arrived, paths } = await start(t);
  const read = readAnswers(socket);
  socket.write(['/1', '/2'].map(get).join(''));
  await eventually(() => arrived() === 2, 'both have arrived');
  begun[0]?.response.setHeader('Connection', 'close').end();
  assert.equal((await read).answers.length, 1);
  assert.deepEqual(paths(), ['/1']);
});

test('while one waits nothing more is read, and then it goes on', async (t) => {
  const { begun, socket, arrived } = await start(t);
  const read = readAnswers(socket, { leaveAfter: 3 });
  socket.write(get('/1') + get('/2'));
  await eventually(() => arrived() === 2, 'two have arrived');
  const [first] = begun;
  assert.ok(first);
  await eventually(() => first.request.socket.isPaused(), 'reading stands still');
  socket.write(get('/3'));
  first.response.end();
  await eventually(() => begun.length === 2, 'the second is begun');
  begun[1]?.response.end();
  await eventually(() => begun.length === 3, 'the third is begun');
  begun[2]?.response.end();
  assert.equal((await read).answers.length, 3);
});

test('the request whose body is still coming is told apart', async (t) => {
  const { begun, socket, turns } = await start(t);
  socket.write('PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na');
  await eventually(() => begun.length === 1, 'it is begun');
  const [first] = begun;
  assert.ok(first);
  const { request, response } = first;
  assert.equal(turns.unfinished(request.socket)?.response, response);
  request.resume();
  socket.write('bc');
  await once(request, 'end');
  assert.equal(turns.unfinished(request.socket), undefined);
  response.end();
  await turns.over(request.socket);
  assert.equal(turns.isBusy(request.socket), false);
  socket.destroy();
});
