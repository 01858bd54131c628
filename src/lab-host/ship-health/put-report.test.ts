import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { DoctorReport } from '../../protocol/doctor-report.ts';
import { fixedCredentials } from '../transport/credentials.ts';
import { pingPath } from '../transport/ping-layers.ts';
import { ReceiverConnections } from '../transport/receiver-connections.ts';
import { putReport } from './put-report.ts';

const REPORT: DoctorReport = {
  schema_version: 1,
  role: 'lab-host',
  host_id: 'lab-1',
  status: 'red',
  generated_at_wall: '2026-05-01T12:00:00.000000+00:00',
  commit: null,
  checks: [{ id: 'disk', status: 'red', summary: 'full' }],
};

interface Canned {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** A receiver that gives one answer after the other to reports, the last one again and again; and a clock that does not wait. */
async function bench(t: TestContext, ...answers: Canned[]) {
  const seen: { target: string; token: string | undefined; body: string }[] = [];
  const pausesMs: number[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    if (request.url === '/v1/ping') {
      response.setHeader('Content-Type', 'application/json');
      response.end('{"ok":true,"host_id":"lab-1"}');
      return;
    }
    seen.push({ target: `${request.method} ${request.url}`, token: request.headers.authorization, body });
    const { status, body: text = '{}', headers = {} } = answers[Math.min(seen.length, answers.length) - 1] as Canned;
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock: Clock = { ...systemClock, sleep: async (ms) => void pausesMs.push(ms) };
  const credentials = fixedCredentials('the-token');
  const limits = { connectTimeoutMs: 10_000, idleTimeoutMs: 10_000, concurrency: 1 };
  const connections = new ReceiverConnections({ receiverUrl, credentials, ...limits });
  const path = pingPath({
    receiverUrl,
    hostId: 'lab-1',
    timeoutMs: 10_000,
    credentials,
    clock,
    codeVersion: undefined,
  });
  const close = async () => {
    path.close();
    connections.close();
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  t.after(close);
  const stop = new AbortController();
  const send = () => putReport(REPORT, { hostId: 'lab-1', connections, path, clock, stop: stop.signal });
  return { seen, pausesMs, stop, send, close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

test('is sent whole, with the credential, and stored', async (t) => {
  const { seen, send, pausesMs } = await bench(t, { status: 200, body: '{"host_id":"lab-1"}' });
  assert.deepEqual(await send(), { kind: 'stored' });
  assert.deepEqual(seen, [
    { target: 'PUT /v1/host-health/lab-1', token: 'Bearer the-token', body: JSON.stringify(REPORT) },
  ]);
  assert.deepEqual(pausesMs, []);
});

test('an older receiver may answer anything, with nothing in it', async (t) => {
  const { send } = await bench(t, { status: 204, body: '' });
  assert.deepEqual(await send(), { kind: 'stored' });
});

test('what passes by itself is tried again', async (t) => {
  const { send, seen, pausesMs } = await bench(
    t,
    { status: 503, headers: { 'Retry-After': '7' } },
    { status: 502, body: '<html>' },
    { status: 200 },
  );
  assert.deepEqual(await send(), { kind: 'stored' });
  assert.deepEqual([seen.length, pausesMs], [3, [7_000, 20_000]]);
});

test('but not for ever, and not for as long as anybody likes', async (t) => {
  const { send, seen, pausesMs } = await bench(t, { status: 503, headers: { 'Retry-After': '86400' }, body: 'no' });
  const outcome = await send();
  assert.deepEqual([outcome.kind, seen.length, pausesMs], ['not-stored', 3, [60_000, 60_000]]);
  assert.ok(outcome.kind === 'not-stored');
  assert.deepEqual([outcome.layer, outcome.code, outcome.detail], ['report', 'http-503', 'status 503: no']);
  assert.match(outcome.cure, /cis490 doctor --role receiver/);
});

test('a stop ends the waiting', async (t) => {
  const { send, stop, seen } = await bench(t, { status: 503 });
  stop.abort();
  assert.equal((await send()).kind, 'not-stored');
  assert.ok(seen.length <= 1);
});

const final: [name: string, answer: Canned, code: string, cure: RegExp][] = [
  [
    'an older receiver without it',
    { status: 404, body: '{"detail":"Not Found"}' },
    'absent',
    /\[receiver\] url.*older/,
  ],
  ['one that does not know the method', { status: 405 }, 'absent', /older/],
  ['a login page', { status: 200, body: '<html>log in</html>' }, 'unexpected-answer', /login page/],
  [
    'another host’s credential',
    { status: 403, body: '{"code":"forbidden","detail":"not yours"}' },
    'forbidden',
    /host_id/,
  ],
  ['a report that is too large', { status: 413, body: '{"code":"too-large"}' }, 'too-large', /cis490 doctor --json/],
];
for (const [name, answer, code, cure] of final) {
  test(`is told at once: ${name}`, async (t) => {
    const { send, seen, pausesMs } = await bench(t, answer);
    const outcome = await send();
    assert.ok(outcome.kind === 'not-stored');
    assert.deepEqual([outcome.layer, outcome.code, seen.length, pausesMs], ['report', code, 1, []]);
    assert.match(outcome.cure, cure);
  });
}

test('a full disk there may have room in a moment; its cure is not on this host', async (t) => {
  const { send, seen } = await bench(t, { status: 507, body: '{"code":"disk-full","detail":"the store is full"}' });
  const outcome = await send();
  assert.ok(outcome.kind === 'not-stored');
  assert.deepEqual([outcome.code, seen.length], ['disk-full', 3]);
  assert.match(outcome.cure, /^make room on the receiver: df -h/);
});

test('when the way itself is broken, the layer is named', async (t) => {
  const { send, close, pausesMs } = await bench(t, { status: 200 });
  await close();
  const outcome = await send();
  assert.ok(outcome.kind === 'not-stored');
  assert.deepEqual([outcome.layer, outcome.code, pausesMs], ['tcp', 'econnrefused', [5_000, 20_000]]);
  assert.match(outcome.cure, /systemctl status cis490-receiver/);
});
