import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, type TestContext, test } from 'node:test';
import { sha256 } from '../../../test/support/episodes.ts';
import { eventually } from '../../../test/support/program.ts';
import { makeDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { fixedCredentials } from '../transport/credentials.ts';
import { BandwidthLimit } from './bandwidth-limit.ts';
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
    credentials: fixedCredentials(undefined),
    connectTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
    concurrency: 2,
    resumableAboveBytes: () => Number.POSITIVE_INFINITY,
    clock: systemClock,
    logger: { info: () => undefined },
    onUploadMoved: () => undefined,
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
    const lines = await headOf(t, episode, { credentials: fixedCredentials('secret') });
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
    assert.partialDeepStrictEqual(await transport.put('lab-07', episode, NEVER), {
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
    // Against the Date that the answer brings, whatever the clock here says.
    ['Tue, 01 Jan 2030 00:02:00 GMT\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT', 120],
    ['Tue, 01 Jan 2030 00:02:00 GMT', 60],
  ] as const) {
    test(`Retry-After: ${value.replace('\r\n', ', ')}`, async (t) => {
      const server = await listen(t, (socket) =>
        readRequests(socket, () => socket.write(answer('503 Service Unavailable', '{}', [`Retry-After: ${value}`]))),
      );
      const clock: Clock = { ...systemClock, wallTime: () => '2030-01-01T00:01:00.000000+00:00' };
      const transport = transportTo(t, server.port, { clock });
      assert.equal((await transport.put('lab-07', episodeOf(100), NEVER)).retryAfterS, retryAfterS);
    });
  }

  test('without a body or a type', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(socket, () => socket.write('HTTP/1.1 204 No Content\r\n\r\n')),
    );
    assert.partialDeepStrictEqual(await transportTo(t, server.port).put('lab-07', episodeOf(100), NEVER), {
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

  test('a tarball that is shorter than it was', async (t) => {
    const server = await listen(t, (socket) => socket.resume());
    const episode = { ...episodeOf(100), sizeBytes: 101 };
    const attempt = transportTo(t, server.port).put('lab-07', episode, NEVER);
    await assert.rejects(attempt, { code: 'tarball-unreadable', message: /ends 1 bytes too early/ });
  });

  test('a stop', async (t) => {
    const stop = new AbortController();
    const server = await listen(t, (socket) => readRequests(socket, () => stop.abort()));
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), stop.signal), { code: 'ABORT_ERR' });
    await assert.rejects(transportTo(t, server.port).put('lab-07', episodeOf(100), stop.signal), { code: 'ABORT_ERR' });
  });
});

describe('a bandwidth limit', () => {
  test('holds the body back in pieces, and the time of waiting is not idle', async (t) => {
    let waiting: Array<() => void> = [];
    let nowMs = 0;
    const clock = {
      wallTime: () => '',
      monotonicMs: () => nowMs,
      sleep: (ms: number) =>
        new Promise<void>((resolve) => {
          waiting.push(() => {
            nowMs += ms;
            resolve();
          });
        }),
    };
    let arrivedBytes = 0;
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        () => undefined,
        (bytes) => {
          arrivedBytes += bytes.length;
          if (arrivedBytes === 1_000) socket.write(answer('201 Created'));
        },
      ),
    );
    const idleTimeoutMs = 30;
    const bandwidthLimit = new BandwidthLimit(1_000, clock);
    const sent: number[] = [];
    const transport = transportTo(t, server.port, {
      idleTimeoutMs,
      bandwidthLimit,
      onSent: (bytes) => sent.push(bytes),
    });
    const attempt = transport.put('lab-07', episodeOf(1_000), NEVER);
    // The first wait lasts until the socket itself has told that nothing moves.
    await eventually(() => waiting.length > 0, 'it waits');
    await idleOnce(idleTimeoutMs);
    let isDone = false;
    const done = attempt.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const now = waiting;
      waiting = [];
      for (const wake of now) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await done).status, 201);
    assert.deepEqual(
      sent,
      Array.from({ length: 10 }, () => 100),
    );
  });

  /** As long as a silent connection lives that has the same time limit, twice over. */
  async function idleOnce(idleTimeoutMs: number): Promise<void> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (let n = 0; n < 2; n += 1) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setTimeout(idleTimeoutMs);
      await once(socket, 'timeout');
      socket.destroy();
    }
    server.close();
  }
});

describe('a small request', () => {
  test('has its method, its path, its JSON and the credential, and its answer whatever the status', async (t) => {
    const seen: string[] = [];
    const server = await listen(t, (socket) =>
      readRequests(
        socket,
        (head) => seen.push(head),
        (bytes) => {
          seen.push(bytes.toString());
          socket.write(answer('403 Forbidden', '{"code":"forbidden"}'));
        },
      ),
    );
    const transport = transportTo(t, server.port, { credentials: fixedCredentials('secret') });
    const { status, body } = await transport.ask('POST', '/v1/heartbeat', { json: { host_id: 'lab-07' } });
    assert.deepEqual([status, body], [403, '{"code":"forbidden"}']);
    assert.match(seen[0] ?? '', /^POST \/v1\/heartbeat HTTP\/1\.1\r\n/);
    assert.match(seen[0] ?? '', /^Content-Type: application\/json\r$/m);
    assert.match(seen[0] ?? '', /^Authorization: Bearer secret\r$/m);
    assert.equal(seen[1], '{"host_id":"lab-07"}');
  });

  test('does not wait behind an episode', async (t) => {
    const server = await listen(t, (socket) =>
      readRequests(socket, (head) => {
        if (head.startsWith('GET')) socket.write(answer('200 OK'));
      }),
    );
    const transport = transportTo(t, server.port, { concurrency: 1 });
    const stop = new AbortController();
    const upload = assert.rejects(transport.put('lab-07', episodeOf(100), stop.signal));
    assert.equal((await transport.ask('GET', '/v1/version-gate')).status, 200);
    stop.abort();
    await upload;
  });

  test('has the same limits', async (t) => {
    const server = await listen(t, (socket) => socket.resume());
    await assert.rejects(transportTo(t, server.port, { idleTimeoutMs: 20 }).ask('POST', '/v1/ping'), {
      code: 'idle-timeout',
    });
    await assert.rejects(transportTo(t, server.port).ask('POST', '/v1/ping', { stop: AbortSignal.abort() }), {
      code: 'ABORT_ERR',
    });
  });
});

describe('credentials that change', () => {
  test('count for the next request, over a new connection, while what is under way goes on', async (t) => {
    let credentials = { bearerToken: 'one', tls: {} };
    const heads: string[] = [];
    const ended: string[] = [];
    let finish: () => void = () => undefined;
    const server = await listen(t, (socket) =>
      readRequests(socket, (head) => {
        heads.push(head);
        if (head.startsWith('GET')) socket.write(answer('200 OK'));
        else finish = () => socket.write(answer('201 Created'));
        socket.once('end', () => ended.push(head.slice(0, 3)));
      }),
    );
    const source = { current: () => credentials, lookAgain: () => undefined };
    const transport = transportTo(t, server.port, { credentials: source });
    await transport.ask('GET', '/first');
    const upload = transport.put('lab-07', episodeOf(100), NEVER);
    await eventually(() => heads.length === 2, 'the upload has begun');
    assert.equal(server.connections, 2);
    credentials = { bearerToken: 'two', tls: {} };
    await transport.ask('GET', '/second');
    assert.match(heads[2] ?? '', /Bearer two/);
    assert.equal(server.connections, 3);
    finish();
    assert.equal((await upload).status, 201);
    await eventually(() => ended.includes('GET') && ended.includes('PUT'), 'the old connections are closed');
    const again = transport.put('lab-07', episodeOf(100), NEVER);
    await eventually(() => heads.length === 4, 'another upload has begun');
    assert.match(heads[3] ?? '', /Bearer two/);
    assert.equal(server.connections, 4);
    finish();
    assert.equal((await again).status, 201);
  });

  for (const [what, isDoubted, serve] of [
    ['a 401', true, (socket: Socket) => readRequests(socket, () => socket.write(answer('401 Unauthorized')))],
    ['a TLS failure', true, (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a 403', false, (socket: Socket) => readRequests(socket, () => socket.write(answer('403 Forbidden')))],
  ] as const) {
    test(`${what} ${isDoubted ? 'has' : 'does not have'} them looked at again`, async (t) => {
      let looks = 0;
      const credentials = { bearerToken: undefined, tls: {} };
      const source = { current: () => credentials, lookAgain: () => (looks += 1) };
      const server = await listen(t, serve);
      const receiverUrl = `http${what.includes('TLS') ? 's' : ''}://127.0.0.1:${server.port}`;
      const transport = transportTo(t, 0, { receiverUrl, credentials: source });
      await transport.ask('POST', '/v1/ping').catch(() => undefined);
      assert.equal(looks, isDoubted ? 1 : 0);
    });
  }

  test('that cannot be used fail the attempt, not the caller', async (t) => {
    const source = {
      current: () => {
        throw new AppError('credentials-unusable', 'no key');
      },
      lookAgain: () => undefined,
    };
    const transport = transportTo(t, 1, { credentials: source });
    await assert.rejects(transport.put('lab-07', episodeOf(100), NEVER), { code: 'credentials-unusable' });
    await assert.rejects(transport.ask('POST', '/v1/ping'), { code: 'credentials-unusable' });
  });
});
