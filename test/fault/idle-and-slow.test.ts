// Connections that say nothing, and those that say it slowly: they cost little, are cut off in the end, and keep nobody else out.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { request as requestOverTls, type ServerOptions as TlsServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { AttemptCounter } from '../../src/receiver/attempts/attempt-counter.ts';
import { LiveAuthority } from '../../src/receiver/certificates/live-authority.ts';
import { LiveEvents } from '../../src/receiver/events/live-events.ts';
import { FleetView } from '../../src/receiver/fleet/fleet-view.ts';
import { LingeringCloser } from '../../src/receiver/http/lingering-close.ts';
import { createReceiverServer, type ServerDependencies, type ServerLimits } from '../../src/receiver/http/server.ts';
import { Sessions } from '../../src/receiver/identity/sessions.ts';
import { EpisodeLocks } from '../../src/receiver/ingest/episode-locks.ts';
import { Room } from '../../src/receiver/ingest/room.ts';
import { createLiveParts } from '../../src/receiver/live-parts.ts';
import { ReceiverMetrics } from '../../src/receiver/metrics/receiver-metrics.ts';
import { Readiness } from '../../src/receiver/readiness.ts';
import { receiverConfigDefinition } from '../../src/receiver/receiver-config.ts';
import { UnfinishedUploads } from '../../src/receiver/uploads/unfinished-uploads.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { TestAuthority } from '../support/certificates.ts';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { eventually, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { openRaw, readAnswers } from '../support/raw-request.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { PATIENCE_MS } from '../support/until.ts';

const HOST = 'Host: 127.0.0.1\r\n';
const HEALTH = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const IDLE_CONNECTIONS = 10_000;
// A connection of Node's costs some 10 to 20 kB, with its parser; what is left is room for the collector.
const MEMORY_MARGIN_KB = 192 * 1024;
const PATIENT: ServerLimits = {
  headersMs: 60_000,
  handshakeMs: 60_000,
  keepAliveMs: 60_000,
  readerStallMs: 60_000,
  connections: 1_000,
  pace: { windowMs: 60_000, leastBytes: 1 },
};

interface Running {
  server: Server;
  port: number;
  store: string;
}

async function start(t: TestContext, limits: Partial<ServerLimits>, tls?: TlsServerOptions): Promise<Running> {
  const root = temporaryDirectory(t);
  const configPath = join(root, 'receiver.toml');
  const gate = `[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`;
  writeFileSync(configPath, `[listen]\nport = 0\n[store]\nroot = "store"\nmin_free = "0 B"\n${gate}`);
  const { config } = loadConfig(receiverConfigDefinition, configPath);
  const clock = systemClock;
  const logger = createLogger({ level: 'error', form: 'plain', clock, write: (line) => t.diagnostic(line) });
  const storage = await openStorage({ root: config.store.root, logger });
  const fleet = new FleetView({ ledger: storage.ledger, hostState: storage.hostState, clock, logger });
  const room = new Room(() => storage.blobs.freeBytes(), 0);
  const sessions = new Sessions(clock);
  const { parts } = createLiveParts({
    config,
    sessions,
    checkoutPath: undefined,
    control: storage.control,
    enrolments: storage.enrolments,
    fleet,
    clock,
    logger,
  });
  const stopping = new AbortController();
  const dependencies: ServerDependencies = {
    ...storage,
    ...parts,
    locks: new EpisodeLocks(),
    room,
    unfinished: new UnfinishedUploads(clock, () => parts.uploadLimits),
    fleet,
    sessions,
    live: new LiveEvents(clock),
    authority: new LiveAuthority({ storeRoot: config.store.root, clock, logger }),
    attemptCounter: new AttemptCounter(storage.attempts, clock, logger),
    metrics: new ReceiverMetrics({ version: null, connectionLimit: 0, backupStamp: undefined, clock, logger }),
    readiness: new Readiness({ blobs: storage.blobs, clock, current: () => ({ gate: parts.gate, minFreeBytes: 0 }) }),
    lingering: new LingeringCloser(),
    limits: { ...PATIENT, ...limits },
    clock,
    logger,
    version: null,
    stopping: stopping.signal,
    onFatal: (error) => assert.fail(String(error)),
  };
  const server = createReceiverServer(dependencies, tls).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    stopping.abort();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    await parts.gate.close();
    await storage.close();
  });
  return { server, port: (server.address() as AddressInfo).port, store: config.store.root };
}

async function connectionsOf(server: Server): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  server.getConnections((_error, count) => resolve(count));
  return await promise;
}

/** Asks on an open connection and leaves it open. */
async function ask(socket: Socket, request = HEALTH): Promise<string> {
  socket.write(request);
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

function putHead(id: string, body: Uint8Array | string): string {
  return `PUT /v1/episodes/lab-1/${id}.tar.zst HTTP/1.1\r\n${HOST}X-Cis490-Code-Commit: ${GOOD_COMMIT}\r\nX-Content-SHA256: ${sha256(body)}\r\nContent-Length: ${body.length}\r\n\r\n`;
}

describe('the limits of connections', () => {
  test('the one that has been idle longest makes room; one that is at work does not', async (t) => {
    const { port, server } = await start(t, { connections: 4 });
    const working = await openRaw(port);
    working.write(`${putHead('slow', 'abc')}a`);
    const [asked, oldest, newest] = [await openRaw(port), await openRaw(port), await openRaw(port)];
    await eventually(async () => (await connectionsOf(server)) === 4, 'four are open');
    assert.match(await ask(asked), / 200 /);
    const ended = once(oldest.resume(), 'end');
    const crowd = [await openRaw(port)];
    await ended;
    assert.match(await ask(newest), / 200 /);
    // Many in one turn of the loop.
    for (const socket of await Promise.all(Array.from({ length: 50 }, () => openRaw(port)))) crowd.push(socket);
    assert.match(await ask(await openRaw(port)), / 200 /);
    await eventually(async () => (await connectionsOf(server)) === 4, 'no more than four stay open');
    assert.match(await ask(working, 'bc'), / 201 /);
    for (const socket of [...crowd, working, asked, newest]) socket.destroy();
  });

  test('a pipelined PUT that is still coming is at work, though the request before it was answered', async (t) => {
    const { port } = await start(t, { connections: 2 });
    const working = await openRaw(port);
    assert.match(await ask(working, `${HEALTH}${putHead('second', 'abc')}a`), / 200 /);
    for (let index = 0; index < 5; index += 1) assert.match(await ask(await openRaw(port)), / 200 /);
    assert.match(await ask(working, 'bc'), / 201 /);
    working.destroy();
  });

  test('what waits for its turn is not read without end', async (t) => {
    const { port } = await start(t, {});
    const socket = await openRaw(port);
    socket.write(`GET /v1/index?follow=1 HTTP/1.1\r\n${HOST}\r\n`);
    const piece = Buffer.from(HEALTH.repeat(10_000));
    // Taken whole, these would be tens of megabytes of requests; the kernel's buffers on both sides hold less.
    let isTaken = false;
    for (let sent = 0; sent < 64; sent += 1) socket.write(piece);
    socket.once('drain', () => {
      isTaken = true;
    });
    for (let index = 0; index < 20; index += 1) assert.equal((await send(port, '/healthz')).status, 200);
    assert.equal(isTaken, false);
    socket.destroy();
  });
});

describe('slow clients', () => {
  test('those who never finish their TLS handshake keep nobody out', async (t) => {
    const { cert, key } = TestAuthority.create(join(temporaryDirectory(t), 'ca')).issueForServer();
    const { port, server } = await start(t, { connections: 4 }, { cert, key });
    const crowd: Socket[] = [];
    // More than are let into the handshake at once, and the four beside them.
    for (let index = 0; index < 1_100; index += 1) crowd.push(await openRaw(port));
    for (let index = 0; index < 8; index += 1) {
      const outgoing = requestOverTls({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      assert.equal(response.resume().statusCode, 200);
    }
    assert.ok((await connectionsOf(server)) <= 1_024 + 4);
    for (const socket of crowd) socket.destroy();
  });

  for (const sent of ['', 'GET /healthz HT', `GET /healthz HTTP/1.1\r\n${HOST}X-Slow: a`]) {
    test(`headers that do not come are cut off: ${JSON.stringify(sent)}`, async (t) => {
      const { port } = await start(t, { headersMs: 50 });
      const socket = await openRaw(port);
      socket.write(sent);
      const { answers, rest } = await readAnswers(socket);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [408],
      );
      assert.equal(rest, '');
    });
  }

  test('late headers of a second request do not break into the answer of the first', async (t) => {
    const { port, server } = await start(t, { headersMs: 50 });
    // Settled anew for each step: no good request here may be late.
    server.headersTimeout = PATIENT.headersMs;
    const follower = await openRaw(port);
    let seen = await ask(follower, `GET /v1/index?follow=1 HTTP/1.1\r\n${HOST}\r\n`);
    follower.on('data', (chunk) => {
      seen += chunk;
    });
    follower.write('GET /heal');
    const malformed = once(server, 'clientError');
    server.headersTimeout = 50;
    await malformed;
    server.headersTimeout = PATIENT.headersMs;
    assert.equal((await put(port, '/v1/episodes/lab-1/seen.tar.zst', 'abc')).status, 201);
    await eventually(() => seen.includes('"seen"'), 'the follower sees the row');
    assert.doesNotMatch(seen, /HTTP\/1\.1 408/);
    follower.destroy();
  });

  test('a body that stands still is cut off and leaves nothing behind', async (t) => {
    const { port, store } = await start(t, { pace: { windowMs: 60, leastBytes: 100 } });
    const socket = await openRaw(port);
    socket.write(`${putHead('stalled', 'abc')}a`);
    const { answers } = await readAnswers(socket);
    assert.deepEqual(answers, []);
    await eventually(() => readdirSync(join(store, 'incoming')).length === 0, 'the body is removed');
  });

  test('a report that stands still is cut off', async (t) => {
    const { port } = await start(t, { pace: { windowMs: 60, leastBytes: 100 } });
    const socket = await openRaw(port);
    socket.write(`PUT /v1/host-health/lab-1 HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n{`);
    assert.deepEqual((await readAnswers(socket)).answers, []);
  });

  test('a download that nobody reads is cut off, and so are small answers', async (t) => {
    const { port, server } = await start(t, {});
    // More than the kernel buffers for anybody.
    const body = randomBytes(32 * 1024 * 1024);
    assert.equal((await put(port, '/v1/episodes/lab-1/large.tar.zst', body)).status, 201);
    assert.equal(server.timeout, PATIENT.readerStallMs);
    server.timeout = 60;
    const download = await openRaw(port);
    download.write(`GET /v1/episodes/lab-1/large.tar.zst HTTP/1.1\r\n${HOST}\r\n`);
    const small = await openRaw(port);
    small.write(`GET /v1/openapi.json HTTP/1.1\r\n${HOST}\r\n`.repeat(1_000));
    await eventually(async () => (await connectionsOf(server)) === 0, 'both are cut off');
    for (const socket of [download, small]) socket.destroy();
  });

  test('a follower that has nothing to read is kept', async (t) => {
    const { port, server } = await start(t, {});
    const [[socket], follower] = await Promise.all([once(server, 'connection'), openRaw(port)]);
    await ask(follower, `GET /v1/index?follow=1 HTTP/1.1\r\n${HOST}\r\n`);
    const row = once(follower, 'data');
    // As Node tells it after so long without a byte either way.
    server.emit('timeout', socket);
    assert.equal((await put(port, '/v1/episodes/lab-1/news.tar.zst', 'abc')).status, 201);
    assert.match(String(await row), /"news"/);
    follower.destroy();
  });
});

describe('crowds', { timeout: PATIENCE_MS }, () => {
  test('10,000 idle connections: good clients are served, memory and descriptors come back', async (t) => {
    const { fleet, pid } = await startReal(t);
    const descriptors = descriptorsOf(pid);
    const before = residentKb(pid);
    const sockets: Socket[] = [];
    for (let index = 0; index < IDLE_CONNECTIONS; index += 1) {
      const socket = await openRaw(fleet.port);
      if (index % 2 === 0) await ask(socket);
      sockets.push(socket.resume());
      if (index % 100 === 0) {
        assert.equal((await put(fleet.port, `/v1/episodes/lab-1/e${index}.tar.zst`, `body ${index}`)).status, 201);
      }
    }
    assert.ok(residentKb(pid) < before + MEMORY_MARGIN_KB, `${before} kB before, ${residentKb(pid)} kB with the crowd`);
    for (const socket of sockets) socket.destroy();
    await eventually(() => descriptorsOf(pid) <= descriptors, 'every descriptor is given back');
  });

  for (const [name, args] of [
    ['slow headers', ['-H', '-i', '1', '-x', '8']],
    ['slow bodies', ['-B', '-i', '1', '-s', '8192', '-x', '8']],
    ['slow reading', ['-X', '-k', '3', '-w', '1', '-y', '64', '-z', '5']],
    ['ranges', ['-R', '-t', 'HEAD', '-a', '5', '-b', '3000']],
  ] as const) {
    test(`slowhttptest: ${name}`, async (t) => {
      if (!hasSystemPart(t, ['/bin/sh', '-c', 'command -v slowhttptest'], 'slowhttptest')) return;
      const { fleet, pid } = await startReal(t);
      const descriptors = descriptorsOf(pid);
      assert.equal((await put(fleet.port, '/v1/episodes/lab-1/read.tar.zst', randomBytes(100_000))).status, 201);
      const target = name === 'slow bodies' ? '/v1/host-health/lab-1' : '/v1/episodes/lab-1/read.tar.zst';
      const verb = name === 'slow bodies' ? ['-t', 'PUT'] : [];
      const attack = Program.command('slowhttptest', [
        ...args,
        ...verb,
        '-c',
        '300',
        '-r',
        '300',
        '-l',
        '5',
        '-p',
        '5',
        '-u',
        `${fleet.url}${target}`,
      ]);
      let ended = false;
      attack.ended.then(() => {
        ended = true;
      });
      for (let index = 0; !ended; index += 1) {
        assert.equal((await put(fleet.port, `/v1/episodes/good/e${index}.tar.zst`, `body ${index}`)).status, 201);
      }
      assert.equal((await attack.ended).code, 0, attack.stdout);
      const text = stripVTControlCharacters(attack.stdout);
      const states = [...text.matchAll(/service available:\s*(\w+)/g)].map(([, state]) => state);
      assert.ok(states.length > 0, text);
      assert.ok(
        states.every((state) => state === 'YES'),
        text,
      );
      await eventually(() => descriptorsOf(pid) <= descriptors, 'every descriptor is given back');
    });
  }
});

async function startReal(t: TestContext): Promise<{ fleet: TestFleet; pid: number }> {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return { fleet, pid: receiver.child.pid ?? 0 };
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
