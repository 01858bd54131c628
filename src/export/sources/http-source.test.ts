// Against a real server that breaks off, restarts, refuses, or has other bytes than its rows say.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createLogger } from '../../lib/logger.ts';
import { type HandClock, handClock, rowOf } from '../export.fixture.ts';
import { parseSelection } from '../selection.ts';
import { HttpSource } from './http-source.ts';

const CONTENT = 'x'.repeat(100_000) + 'y'.repeat(100_000);
const ROW = rowOf('lab-1/e', CONTENT);
const ETAG = `"${ROW.sha256}"`;
const never = new AbortController().signal;

type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

interface Scene {
  source: HttpSource;
  clock: HandClock;
  log: string[];
  server: Server;
  /** Target and Range of each request. */
  asked: string[];
}

async function serve(t: TestContext, handler: Handler): Promise<Scene> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push([request.url, request.headers.range].filter(Boolean).join(' '));
    handler(request, response, asked.length);
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [clock, log] = [handClock(), [] as string[]];
  const source = new HttpSource({
    receiver: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: undefined, ca: undefined },
    logger: createLogger({ level: 'info', form: 'plain', clock, write: (line) => log.push(line) }),
    clock,
    random: () => 1,
  });
  t.after(() => {
    source.close();
    server.close();
    server.closeAllConnections();
  });
  return { source, clock, log, server, asked };
}

/** As the receiver does; `cutAt` breaks the connection behind so many bytes of the body. */
function answer(request: IncomingMessage, response: ServerResponse, cutAt = Number.POSITIVE_INFINITY): void {
  const [, from = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const isPart = request.headers.range !== undefined && request.headers['if-range'] === ETAG;
  const body = CONTENT.slice(isPart ? Number(from) : 0);
  const end = CONTENT.length;
  response.writeHead(isPart ? 206 : 200, {
    ETag: ETAG,
    'Content-Length': body.length,
    ...(isPart && { 'Content-Range': `bytes ${from}-${end - 1}/${end}` }),
  });
  if (cutAt >= body.length) response.end(body);
  else response.write(body.slice(0, cutAt), () => response.destroy());
}

function refuse(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ code, detail: `because of ${code}` }));
}

async function readAll(source: HttpSource, fromByte = 0, row = ROW): Promise<string> {
  let text = '';
  for await (const chunk of source.read(row, fromByte, never)) text += Buffer.from(chunk).toString();
  return text;
}

describe('one episode', () => {
  test('whole, and from a byte on', async (t) => {
    const { source, asked } = await serve(t, (request, response) => answer(request, response));
    assert.equal(await readAll(source), CONTENT);
    assert.equal(await readAll(source, 150_000), CONTENT.slice(150_000));
    assert.deepEqual(asked, ['/v1/episodes/lab-1/e.tar.zst', '/v1/episodes/lab-1/e.tar.zst bytes=150000-']);
  });

  test('a connection that breaks is taken up where it broke', async (t) => {
    const { source, asked } = await serve(t, (request, response, nth) =>
      answer(request, response, nth < 4 ? 30_000 : undefined),
    );
    assert.equal(await readAll(source), CONTENT);
    assert.equal(asked.length, 4);
    for (const [at, target] of asked.entries()) assert.equal(target.includes(' bytes='), at > 0, target);
  });

  test('a server that gives the whole all the same is listened to from the byte on that is missing', async (t) => {
    const { source } = await serve(t, (request, response) => {
      delete request.headers['if-range'];
      answer(request, response);
    });
    assert.equal(await readAll(source, 150_000), CONTENT.slice(150_000));
  });

  test('one that breaks at the same byte each time is given up, with the others still to be had', async (t) => {
    const { source, clock } = await serve(t, (request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      answer(request, response, 1000 - from);
    });
    await assert.rejects(readAll(source), {
      name: 'EpisodeLoss',
      kind: 'unreadable',
      message: /breaks off at byte 1000/,
    });
    assert.ok(clock.nowMs < 600_000);
  });

  for (const [title, handler, kind] of [
    ['retracted', (_, response) => refuse(response, 410, 'gone'), 'retracted'],
    ['its file missing', (_, response) => refuse(response, 500, 'file-missing'), 'missing'],
    ['not known', (_, response) => refuse(response, 404, 'not-found'), 'missing'],
    ['a disk that fails', (_, response) => refuse(response, 500, 'internal-error'), 'unreadable'],
    ['other bytes', (_, response) => void response.writeHead(200, { ETag: '"other"' }).end(CONTENT), 'changed'],
  ] as [string, Handler, string][]) {
    test(title, async (t) => {
      const { source } = await serve(t, handler);
      await assert.rejects(readAll(source), { name: 'EpisodeLoss', kind });
    });
  }
});

describe('the receiver', () => {
  test('that says when it is back is asked then, and not before', async (t) => {
    const { source, clock } = await serve(t, (request, response, nth) => {
      if (nth === 2) refuse(response, 503, 'stopping', { 'Retry-After': '17' });
      else answer(request, response, nth === 1 ? 1000 : undefined);
    });
    assert.equal(await readAll(source), CONTENT);
    assert.ok(clock.slept.includes(17_000), String(clock.slept));
  });

  test('that is about to begin is waited for: its refusal shows that the address is right', async (t) => {
    const { source, clock, asked } = await serve(t, (request, response, nth) => {
      if (nth <= 2) refuse(response, 503, 'not-ready', { 'Retry-After': '17' });
      else answer(request, response);
    });
    assert.equal(await readAll(source), CONTENT);
    assert.deepEqual([clock.slept, asked.length], [[17_000, 17_000], 3]);
  });

  test('that never begins is given up after ten minutes, in its own words', async (t) => {
    const { source, clock } = await serve(t, (_, response) =>
      refuse(response, 503, 'not-ready', { 'Retry-After': '60' }),
    );
    await assert.rejects(readAll(source), { code: 'receiver-down', message: /cannot answer: because of not-ready/ });
    assert.deepEqual(clock.slept, Array(11).fill(60_000));
  });

  for (const [what, handler] of [
    ['without a code', (_, response) => void response.writeHead(503, { 'Retry-After': '17' }).end('<html>')],
    ['with a code of something else', (_, response) => refuse(response, 503, 'toString', { 'Retry-After': '17' })],
  ] as [string, Handler][]) {
    test(`that has never answered is not waited for when a 503 comes ${what}`, async (t) => {
      const { source, clock, asked } = await serve(t, handler);
      await assert.rejects(readAll(source), { code: 'receiver-down' });
      assert.deepEqual([clock.slept, asked.length], [[], 1]);
    });
  }

  test('that was never there is not waited for', async (t) => {
    const { source, server, clock } = await serve(t, () => undefined);
    server.close();
    await once(server, 'close');
    await assert.rejects(readAll(source), {
      code: 'receiver-down',
      retryable: true,
      hint: /go on with the same command/,
    });
    assert.deepEqual(clock.slept, []);
  });

  test('that went away is waited for, told of, and given up after ten minutes', async (t) => {
    const { source, clock, log } = await serve(t, (request, response, nth) => {
      if (nth === 1) answer(request, response, 1000);
      else request.socket.destroy();
    });
    await assert.rejects(readAll(source), { code: 'receiver-down' });
    assert.ok(clock.nowMs > 600_000 && clock.nowMs < 640_000, String(clock.nowMs));
    assert.equal(log.filter((line) => line.includes('waiting for it')).length, 1);
  });

  for (const [status, code, message] of [
    [401, 'credential-missing', /wants a credential: because of credential-missing/],
    [403, 'forbidden', /does not allow it/],
  ] as const) {
    test(`that answers ${status} is told with the cure, and not asked again`, async (t) => {
      const { source, asked } = await serve(t, (_, response) => refuse(response, status, code));
      await assert.rejects(readAll(source), {
        code: 'credential-refused',
        message,
        hint: /token create --role reader/,
      });
      assert.equal(asked.length, 1);
    });
  }

  test('that is none', async (t) => {
    const { source } = await serve(t, (_, response) => void response.end('<html>'));
    const list = source.list(parseSelection({ hosts: [], commits: [], since: undefined, until: undefined }), never);
    await assert.rejects(list.next(), { code: 'no-receiver' });
  });
});

describe('the list', () => {
  test('page after page, by what the receiver can select and then by the rest', async (t) => {
    const [a, b, c] = [
      rowOf('lab-1/a', 'a', { seq: 1 }),
      rowOf('lab-2/b', 'b', { seq: 2 }),
      rowOf('lab-3/c', 'c', { seq: 5 }),
    ];
    const { source, asked } = await serve(t, (request, response, nth) => {
      if (nth === 2) return void request.socket.destroy();
      const isFirst = request.url?.includes('cursor=0');
      response.end(JSON.stringify({ episodes: isFirst ? [a, b] : [c], next_cursor: isFirst ? '2' : null }));
    });
    const list = async (hosts: string[], since?: string) => {
      const names: string[] = [];
      const words = { hosts, commits: [], since, until: undefined };
      for await (const row of source.list(parseSelection(words), never)) names.push(row.episode_id);
      return names;
    };
    assert.deepEqual(await list(['lab-1', 'lab-3']), ['a', 'c']);
    assert.deepEqual(await list(['lab-2'], '2026-05-01'), ['b']);
    assert.equal(asked[0], '/v1/episodes?limit=1000&cursor=0');
    assert.equal(asked[1], asked[2], 'a page that did not come is asked for again');
    assert.equal(
      asked[3],
      '/v1/episodes?limit=1000&host=lab-2&since=2026-05-01T00%3A00%3A00.000000%2B00%3A00&cursor=0',
    );
  });
});

test('what the bag has and the list has not is looked up one by one', async (t) => {
  const { source } = await serve(t, (request, response) => {
    if (request.url?.includes('gone')) refuse(response, 410, 'gone');
    else if (request.url?.includes('unknown')) refuse(response, 404, 'not-found');
    else if (request.url?.includes('damaged')) refuse(response, 500, 'file-missing');
    else response.writeHead(206, { 'Content-Range': 'bytes 0-0/5' }).end('x');
  });
  const keys = ['gone', 'unknown', 'damaged', 'stored'].map((episodeId) => ({ hostId: 'lab-1', episodeId }));
  assert.deepEqual([...(await source.lookUp(keys, never)).values()], ['retracted', 'unknown', 'stored', 'stored']);
});
