import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fixedCredentials } from './credentials.ts';
import { serveRaw } from './ping.fixture.ts';
import { ReceiverConnections } from './receiver-connections.ts';

/** To a server that answers `head` and then says nothing more. */
async function connectionsTo(t: TestContext, head: string, idleTimeoutMs: number): Promise<ReceiverConnections> {
  const port = await serveRaw(t, (socket) => socket.once('data', () => socket.write(head)));
  const connections = new ReceiverConnections({
    receiverUrl: `http://127.0.0.1:${port}`,
    credentials: fixedCredentials(undefined),
    connectTimeoutMs: 60_000,
    idleTimeoutMs,
    concurrency: 1,
  });
  t.after(() => connections.close());
  return connections;
}

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n';
const BEGUN = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc';

test('an answer that nobody has asked for, and that takes the connection away, is no answer', async (t) => {
  const connections = await connectionsTo(t, SWITCHED, 60_000);
  await assert.rejects(connections.ask('GET', '/'), { code: 'connection-closed' });
  await assert.rejects(connections.open('/'), { code: 'connection-closed' });
});

test('an answer that stops in its middle is given up', async (t) => {
  const connections = await connectionsTo(t, BEGUN, 300);
  await assert.rejects(connections.ask('GET', '/'), { code: 'idle-timeout' });
});

test('so is one that is read piece by piece', async (t) => {
  const connections = await connectionsTo(t, BEGUN, 300);
  const answer = await connections.open('/');
  await assert.rejects(
    async () => {
      for await (const piece of answer) assert.equal(String(piece), 'abc');
    },
    { code: 'idle-timeout' },
  );
});

test('one whose reader takes its time is not', async (t) => {
  const connections = await connectionsTo(t, BEGUN, 300);
  const answer = await connections.open('/');
  await once(answer, 'readable');
  const { socket } = answer;
  // Each look of the idle watch; after the second it would have been given up.
  for (let look = 0; look < 4; look += 1) await once(socket, 'timeout');
  assert.equal(answer.destroyed, false);
  assert.equal(String(answer.read()), 'abc');
  answer.destroy();
});
