import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import type { PackedEpisode } from './pack-episode.ts';
import { createTransport, type Transport, type TransportOptions } from './put-episode.ts';

const MIB = 1024 ** 2;
const NEVER = new AbortController().signal;
// Only to end a test that hangs.
const PATIENCE_MS = 60_000;

let root: string;
beforeEach(() => {
  root = makeDirectory();
});
afterEach(() => removeDirectory(root));

function episodeOf(sizeBytes: number, stamp: Partial<PackedEpisode['stamp']> = {}): PackedEpisode {
  const bytes = Buffer.alloc(sizeBytes, 'episode');
  const tarballPath = join(root, 'e.tar.zst');
  writeFileSync(tarballPath, bytes);
  const unstamped = { commit: undefined, dirty: false, schemaVersion: undefined };
  return {
    episodeId: 'e',
    tarballPath,
    sha256: sha256(bytes),
    sizeBytes,
    sourceBytes: 0,
    stamp: { ...unstamped, ...stamp },
  };
}

/** A server that speaks as `serve` does, byte by byte. */
async function listen(
  t: TestContext,
  serve: (socket: Socket) => void,
): Promise<Server & { port: number; connections: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return Object.defineProperties(server as Server & { port: number; connections: number }, {
    port: { value: (server.address() as AddressInfo).port },
    connections: { get: () => sockets.size },
  });
}

function transportTo(t: TestContext, port: number, more: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({
    receiverUrl: `http://127.0.0.1:${port}`,
    bearerToken: undefined,
    connectTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
    concurrency: 2,
    afterStep: () => undefined,
    onSent: () => undefined,
    ...more,
  });
  t.after(() => transport.close());
  return transport;
}

/** Calls back with the head of each request once it is whole, and with every byte of its body. */
function readRequests(
  socket: Socket,
  onHead: (head: string) => void,
  onBody: (bytes: Buffer) => void = () => undefined,
): void {
  let pending = '';
  let restBytes = 0;
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk;
    while (bytes.length > 0) {
      if (restBytes > 0) {
        const body = bytes.subarray(0, restBytes);
        bytes = bytes.subarray(body.length);
        restBytes -= body.length;
        onBody(body);
        continue;
      }
      pending += bytes.toString('latin1');
      bytes = Buffer.alloc(0);
      const end = pending.indexOf('\r\n\r\n');
      if (end < 0) continue;
      const head = pending.slice(0, end);
      bytes = Buffer.from(pending.slice(end + 4), 'latin1');
      pending = '';
      restBytes = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
      onHead(head);
    }
  });
}

function answer(status: string, body = '{}', headers: string[] = []): string {
  const lines = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

describe('the request', () => {
  async function headOf(
    t: TestContext,
    episode: PackedEpisode,
    more: Partial<TransportOptions> = {},
  ): Promise<string[]> {
    let head = '';
    const server = await listen(t, (socket) =>
      readRequests(socket, (text) => {
        head = text;
        socket.write(answer('201 Created'));
      }),
    );
    await transportTo(t, server.port, more).put('lab-07', episode, NEVER);
    return head.split('\r\n');
  }

  test('names the episode, its digest, its size and its stamp', async (t) => {
    const episode = episodeOf(1_000, { commit: 'a'.repeat(40), dirty: true, schemaVersion: '7' });
    const lines = await headOf(t, episode, { bearerToken: 'secret' });
    assert.equal(lines[0], 'PUT /v1/episodes/lab-07/e.tar.zst HTTP/1.1');
    for (const line of [
      'Content-Type: application/zstd',
      'Content-Length: 1000',
      `x-content-sha256: ${episode.sha256}`,
      `x-cis490-code-commit: ${'a'.repeat(40)}`,
      'x-cis490-code-dirty: 1',
      'x-cis490-schema-version: 7',
      'Authorization: Bearer secret',
    ]) {
      assert.ok(lines.includes(line), `${line}\nin\n${lines.join('\n')}`);
    }
  });

  test('leaves out what the episode does not have', async (t) => {
    const lines = await headOf(t, episodeOf(1_000));
    assert.doesNotMatch(lines.join('\n'), /commit|dirty|schema|authorization|expect|transfer-encoding/i);
  });

  for (const [sizeBytes, asks] of [
    [MIB, false],
    [MIB + 1, true],
  ] as const) {
    test(`of ${sizeBytes} bytes ${asks ? 'asks' : 'does not ask'} for leave first`, async (t) => {
      const lines = await headOf(t, episodeOf(sizeBytes));
      assert.equal(lines.includes('Expect: 100-continue'), asks);
    });
  }
});

describe('an answer', () => {
  test('comes back as it was, after the whole body arrived', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const episode = episodeOf(3 * MIB);
    const arrived: Buffer[] = [];
    const server = await listen(t, (socket) => {
      let arrivedBytes = 0;
      readRequests(
        socket,
        () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
        (bytes) => {
          // The patience for a 100 that has come long ago.
          t.mock.timers.tick(2_000);
          arrived.push(bytes);
          arrivedBytes += bytes.length;
          if (arrivedBytes === episode.sizeBytes) socket.write(answer('201 Created', '{"seq":7}', ['Retry-After: 3']));
        },
      );
    });
    const steps: string[] = [];
    let sentBytes = 0;
    const transport = transportTo(t, server.port, {
      afterStep: (step) => steps.push(step),
      onSent: (bytes) => {
        sentBytes += bytes;
      },
    });
    assert.deepEqual(await transport.put('lab-07', episode, NEVER), {
      status: 201,
      contentType: 'application/json',
      body: '{"seq":7}',
      retryAfterS: 3,
    });
    assert.equal(sha256(Buffer.concat(arrived)), episode.sha256);
    assert.deepEqual(steps, ['put-started', 'put-body-sent', 'answer-received']);
    assert.equal(sentBytes, episode.sizeBytes);
  });

  test('before leave was given ends the attempt without a byte of the body', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const steps: string[] = [];
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => socket.write(answer('412 Precondition Failed', '{"code":"commit-blocked"}')),
        () => steps.push('body'),
      ),
    );
    const transport = transportTo(t, server.port, { afterStep: (step) => steps.push(step) });
    const { status, body } = await transport.put('lab-07', episodeOf(8 * MIB), NEVER);
    assert.deepEqual([status, body], [412, '{"code":"commit-blocked"}']);
    t.mock.timers.tick(2_000);
    assert.deepEqual(steps, ['answer-received']);
  });

  test('while the body is being sent ends the sending, and the next attempt has a connection of its own', async (t) => {
    const episode = episodeOf(64 * MIB);
    const server = await listen(t, (socket) => {
      // Reads the head and no more: the body cannot all fit between the two.
      socket.once('readable', () => {
        socket.read();
        socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        socket.write(answer('413 Content Too Large', '{"code":"too-large"}'));
      });
    });
    const transport = transportTo(t, server.port, { concurrency: 1 });
    for (const connections of [1, 2]) {
      const { status, body } = await transport.put('lab-07', episode, NEVER);
      assert.deepEqual([status, body], [413, '{"code":"too-large"}']);
      assert.equal(server.connections, connections);
    }
  });

  test('to a whole request keeps the connection for the next', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => undefined,
        () => socket.write(answer('201 Created')),
      ),
    );
    const transport = transportTo(t, server.port);
    for (let n = 0; n < 3; n += 1) assert.equal((await transport.put('lab-07', episodeOf(100), NEVER)).status, 201);
    assert.equal(server.connections, 1);
  });

  test('that is huge is cut, and still an answer', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(socket, () => socket.write(answer('404 Not Found', 'x'.repeat(32 * MIB)))),
    );
    const { status, body } = await transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER);
    assert.equal(status, 404);
    assert.match(body, /^x+$/);
    assert.ok(body.length <= 256 * 1024);
  });

  for (const [value, retryAfterS] of [
    ['120', 120],
    ['0', 0],
    ['-1', undefined],
    ['soon', undefined],
  ] as const) {
    test(`Retry-After: ${value}`, async (t) => {
      const server = await listen(t, (socket) =>
        readRequests(socket, () => socket.write(answer('503 Service Unavailable', '{}', [`Retry-After: ${value}`]))),
      );
      assert.equal((await transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER)).retryAfterS, retryAfterS);
    });
  }

  test('without a body or a type', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(socket, () => socket.write('HTTP/1.1 204 No Content\r\n\r\n')),
    );
    assert.deepEqual(await transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER), {
      status: 204,
      contentType: '',
      body: '',
      retryAfterS: undefined,
    });
  });
});

test('a receiver that never says 100 gets the body after a while', async (t) => {
  const episode = episodeOf(2 * MIB);
  let arrivedBytes = 0;
  const server = await listen(t, (socket) =>
    readRequests(
      socket,
      () => undefined,
      (bytes) => {
        arrivedBytes += bytes.length;
        if (arrivedBytes === episode.sizeBytes) socket.write(answer('201 Created'));
      },
    ),
  );
  assert.equal((await transportTo(t, server.port).put('lab-07', episode, NEVER)).status, 201);
});

describe('no answer', () => {
  test('a connection that is reset while the body is sent', async (t) => {
    const server = await listen(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const attempt = transportTo(t, server.port).put('lab-07', episodeOf(MIB), NEVER);
    await assert.rejects(attempt, (error: NodeJS.ErrnoException) => ['ECONNRESET', 'EPIPE'].includes(error.code ?? ''));
  });

  test('a connection that is closed without a word', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => undefined,
        () => socket.end(),
      ),
    );
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER), { code: 'ECONNRESET' });
  });

  test('an answer that breaks off', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => undefined,
        () => socket.end('HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"seq"'),
      ),
    );
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER), { code: 'ECONNRESET' });
  });

  test('a connection that moves nothing', async (t) => {
    const server = await listen(t, (socket) => socket.resume());
    const attempt = transportTo(t, server.port, { idleTimeoutMs: 20 }).put('lab-07', episodeOf(100), NEVER);
    await assert.rejects(attempt, { code: 'idle-timeout' });
  });

  test('a connection that is not made', async (t) => {
    // Takes the connection and says nothing: its TLS is never there.
    const server = await listen(t, (socket) => socket.resume());
    const attempt = transportTo(t, 0, { receiverUrl: `https://127.0.0.1:${server.port}`, connectTimeoutMs: 20 }).put(
      'lab-07',
      episodeOf(100),
      NEVER,
    );
    await assert.rejects(attempt, { code: 'connect-timeout' });
  });

  test('a connection that was made in time is not held to that time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => undefined,
        () => {
          t.mock.timers.tick(1_000);
          socket.write(answer('201 Created'));
        },
      ),
    );
    const attempt = transportTo(t, server.port, { connectTimeoutMs: 1_000 }).put('lab-07', episodeOf(100), NEVER);
    assert.equal((await attempt).status, 201);
  });

  test('a tarball that is gone', async (t) => {
    const server = await listen(t, (socket) => socket.resume());
    const episode = episodeOf(100);
    rmSync(episode.tarballPath);
    await assert.rejects(transportTo(t, server.port).put('lab-07', episode, NEVER), { code: 'tarball-unreadable' });
  });

  test('a stop', async (t) => {
    const stop = new AbortController();
    const server = await listen(t, (socket) => readRequests(socket, () => stop.abort()));
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), stop.signal), { code: 'ABORT_ERR' });
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), stop.signal), { code: 'ABORT_ERR' });
  });
});
