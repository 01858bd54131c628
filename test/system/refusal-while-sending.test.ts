// A refusal must reach a client that sends before it reads: as an answer, not as a reset.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { eventually, type Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { makeDirectory, removeDirectory } from '../support/temporary-directory.ts';

const LARGE_BYTES = 64 * 1024 * 1024;
const TARGET = '/v1/episodes/lab-1/large.tar.zst';

describe('refusal while the client sends', () => {
  const root = makeDirectory();
  let fleet: TestFleet;
  let receiver: Program;
  before(async () => {
    fleet = await TestFleet.create(root);
    receiver = await fleet.startReceiver();
  });
  after(async () => {
    await receiver.stop();
    removeDirectory(root);
  });

  test("Python's httpx sees the 412 of a refused 64 MiB body, many at once", async (t) => {
    if (!hasSystemPart(t, ['/usr/bin/python3', '-c', 'import httpx'], 'python3-httpx')) return;
    const outputs = await Promise.all(
      Array.from({ length: 8 }, () =>
        python([
          join(import.meta.dirname, '../support/refused_put.py'),
          `${fleet.url}${TARGET}`,
          String(LARGE_BYTES),
          `X-Cis490-Code-Commit=${STALE_COMMIT}`,
        ]),
      ),
    );
    for (const output of outputs) {
      assert.match(output, /^412 application\/problem\+json\n/);
      assert.match(output, /"code":"commit-not-in-window".*"remediation":"cd \/opt\/cis490/);
    }
  });

  test('a client that sends everything before it reads gets the whole answer, then the end', async () => {
    const socket = await open(fleet.port);
    socket.write(
      `PUT ${TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${LARGE_BYTES}\r\nX-Cis490-Code-Commit: ${STALE_COMMIT}\r\n\r\n`,
    );
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < LARGE_BYTES; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, 'drain');
    }
    const answer = await readToEnd(socket);
    assert.match(answer, /^HTTP\/1\.1 412 /);
    assert.match(answer, /Connection: close\r\n/i);
    assert.match(answer, /"code":"commit-not-in-window"/);
  });

  test('a small refused body is read to its end, and the connection goes on', async () => {
    const socket = await open(fleet.port);
    const head = `PUT ${TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n`;
    socket.write(head);
    socket.write(Buffer.alloc(1000, 'x'));
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    const answers = await readToEnd(socket);
    assert.match(answers, /^HTTP\/1\.1 400 [\s\S]*commit-missing[\s\S]*HTTP\/1\.1 200 [\s\S]*\{"ok":true\}$/);
  });

  test('a small refused body that comes late meets no reset where the connection ends with the answer', async () => {
    const socket = connect({ port: fleet.port, host: '127.0.0.1', allowHalfOpen: true });
    const failures: Error[] = [];
    socket.on('error', (error) => failures.push(error));
    socket.write(
      `PUT ${TARGET} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 600000\r\nX-Cis490-Code-Commit: ${STALE_COMMIT}\r\n\r\n`,
    );
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    await once(socket, 'end');
    assert.match(answer, /^HTTP\/1\.1 412 [\s\S]*commit-not-in-window/);
    for (let sent = 0; sent < 600_000; sent += 100_000) {
      await new Promise((resolve) => socket.write(Buffer.alloc(100_000, 'x'), resolve));
      // By then the receiver has seen it, and a reset would have come back.
      assert.equal((await send(fleet.port, '/healthz')).status, 200);
    }
    assert.deepEqual(failures, []);
    socket.end();
    await once(socket, 'close');
  });

  test('with Expect: 100-continue a refused body, and a stored one, is never asked for', async () => {
    const body = Buffer.alloc(2 * 1024 * 1024, 'y');
    const headers = { 'X-Content-SHA256': sha256(body), 'Content-Length': String(body.length), Expect: '100-continue' };
    const ask = async (commit: string) => {
      const outgoing = request({
        port: fleet.port,
        host: '127.0.0.1',
        method: 'PUT',
        path: TARGET,
        agent: false,
        headers: { ...headers, 'X-Cis490-Code-Commit': commit },
      });
      let continued = false;
      outgoing.on('continue', () => {
        continued = true;
        outgoing.end(body);
      });
      outgoing.flushHeaders();
      const [response] = await once(outgoing, 'response');
      response.resume();
      await once(response, 'end');
      outgoing.destroy();
      return { continued, status: response.statusCode };
    };
    assert.deepEqual(await ask(STALE_COMMIT), { continued: false, status: 412 });
    assert.deepEqual(await ask(GOOD_COMMIT), { continued: true, status: 201 });
    assert.deepEqual(await ask(GOOD_COMMIT), { continued: false, status: 200 });
  });

  test('an aborted body leaves nothing behind', async () => {
    const socket = await open(fleet.port);
    const digest = 'd'.repeat(64);
    socket.write(
      `PUT /v1/episodes/lab-1/aborted.tar.zst HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${LARGE_BYTES}\r\nX-Content-SHA256: ${digest}\r\nX-Cis490-Code-Commit: ${GOOD_COMMIT}\r\n\r\n`,
    );
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < 8; sent += 1) if (!socket.write(piece)) await once(socket, 'drain');
    const incoming = () => namesIn(join(fleet.store, 'incoming'));
    await eventually(() => incoming().length === 1, 'the body has reached the disk');
    socket.destroy();
    await eventually(() => incoming().length === 0, 'the aborted body is removed');
    assert.ok(!namesIn(join(fleet.store, 'episodes/lab-1')).includes('aborted.tar.zst'));
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/aborted.tar.zst', 'now whole')).status, 201);
  });
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Fails when the connection is reset before its end. */
async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'end');
  socket.end();
  return text;
}

async function python(args: string[]): Promise<string> {
  const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  return output;
}
