// Tens of thousands of requests that nobody has thought of, many connections at once, against one real receiver: no 5xx from bad
// input, no crash, every byte back is well-formed HTTP, the store holds what was answered 201 and nothing else, memory stays flat.
// A failure prints its seed; SEED=<seed> brings the same requests back.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import { eventually } from '../support/program.ts';
import { put } from '../support/put.ts';
import { openRaw, type RawAnswer, readAnswers } from '../support/raw-request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { metadataOf, OFFSET_TYPE, TusClient } from '../support/tus.ts';
import { PATIENCE_MS } from '../support/until.ts';

const BATCHES = 80;
const CONNECTIONS = 64;
const MOST_REQUESTS = 9;
const LEAST_REQUESTS_IN_ALL = 20_000;
// Node's heap grows as far as it is let before it collects; a leak of a few kilobytes a request would be beyond this.
const MEMORY_MARGIN_KB = 128 * 1024;

const BODIES = [
  '',
  'abc',
  'x'.repeat(3_000),
  '{}',
  '{"host_id":"h1","sent_at_wall":"n","machine":"m","boot_id":"b"}',
  '[[[',
  '{"__proto__":1}',
];
const SEGMENTS = [
  'h1',
  'h2',
  'lab.3',
  '..',
  '.',
  '',
  '%2e%2e',
  '%2f',
  '%00',
  'a%',
  '\\',
  'x'.repeat(200),
  ';a=b',
  '~',
  '\xe4',
  'v1',
  '*',
];
const IDS = Array.from({ length: 500 }, (_, index) => `e${index}.tar.zst`);
const PATHS = [
  '/healthz',
  '/readyz',
  '/v1/ping',
  '/v1/heartbeat',
  '/v1/host-health',
  '/v1/host-health/h1',
  '/v1/episodes',
  '/v1/index',
  '/v1/fleet',
  '/v1/fleet/h1',
  '/v1/version-gate',
  '/v1/uploads',
  '/v1/openapi.json',
  '/',
  '*',
  'http://127.0.0.1/healthz',
];
const QUERIES = [
  '?limit=1',
  '?limit=-1',
  '?after=1e99',
  '?after=0',
  '?commit=zz',
  '?__proto__=1',
  '?a=%zz',
  '?',
  '?since=x',
  '?limit=2&limit=2',
  '?host=..',
];
const HEADER_LINES = [
  `X-Cis490-Code-Commit: ${STALE_COMMIT}`,
  'X-Cis490-Code-Commit: x',
  'X-Cis490-Code-Dirty: 1',
  'X-Cis490-Schema-Version: "\xff"',
  `X-Content-SHA256: ${'0'.repeat(64)}`,
  'Repr-Digest: sha-256=:x:',
  'Content-Digest: ,',
  'Content-Range: bytes 0-1/2',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'Expect: x',
  'Connection: close',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Range: bytes=0-0,1-',
  'Range: bytes=9-',
  'If-None-Match: *',
  'If-Range: x',
  'Authorization: Basic x',
  'Authorization: Bearer x',
  'Host: evil',
  'Host:',
  'Via: 1.1 x',
  'X-Forwarded-For: 1.2.3.4',
  'Origin: http://evil',
  'Content-Type: text/plain',
  'Transfer-Encoding: chunked',
  'Content-Length: 5',
  'Content-Length: -1',
  'TE: trailers',
  'Trailer: X-A',
  'Tus-Resumable: 0.2.2',
  'Upload-Length: -1',
  'Upload-Length: 9007199254740993',
  'Upload-Defer-Length: 1',
  'Upload-Offset: 1',
  'Upload-Offset: 1e1',
  'Upload-Metadata: ,',
  'Upload-Metadata: host_id aDE=,host_id aDI=,__proto__ YQ==',
  'X-HTTP-Method-Override: PATCH',
  ' folded',
  'X',
  ':',
];

/** Of uploads that are under way: known once the receiver has begun them. */
const uploadPaths: string[] = [];
const UPLOADS = Array.from({ length: 32 }, (_, index) => index);
/** One after the other, two of it are all of an upload. */
const PART = 'abc';

const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('h1', 'h2'), fc.constantFrom(...IDS))
      .map(([host, name]) => `/v1/episodes/${host}/${name}`),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom('', '', ...QUERIES)).map((parts) => parts.join('')),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.constantFrom(...SEGMENTS, 'episodes', 'fleet', 'e.tar.zst'), { maxLength: 6 })
      .map((parts) => `/${parts.join('/')}`),
  },
  { weight: 4, arbitrary: fc.constantFrom(...UPLOADS).map((index) => uploadPaths[index] ?? '/v1/uploads/0') },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
);
const method = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('PUT', 'PUT', 'GET', 'POST', 'PATCH') },
  { weight: 1, arbitrary: fc.constantFrom('DELETE', 'OPTIONS', 'TRACE', 'M-SEARCH', 'get') },
);
// A connection ends with its first malformed request: most must be good for the others to be reached.
const framing = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('length', 'length', 'chunked') },
  { weight: 1, arbitrary: fc.constantFrom('none', 'longer', 'shorter', 'both', 'bad-chunk') },
);
const version = fc.oneof(
  { weight: 50, arbitrary: fc.constant('1.1') },
  { weight: 1, arbitrary: fc.constantFrom('1.0', '2.0', '1.1 ', '') },
);

const request = fc
  .record({
    method,
    path,
    version,
    isStamped: fc.boolean(),
    tus: fc.option(
      fc.record({
        host: fc.constantFrom('h1', 'h2'),
        name: fc.constantFrom(...IDS),
        offset: fc.constantFrom(0, 0, 3, 1),
      }),
    ),
    more: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(...HEADER_LINES), { minLength: 1, maxLength: 3 }) },
    ),
    body: fc.constantFrom(...BODIES),
    framing,
  })
  .map(({ method, path, version, isStamped, tus, more, body, framing }) => {
    const stamp = isStamped ? [`X-Cis490-Code-Commit: ${GOOD_COMMIT}`, `X-Content-SHA256: ${sha256(body)}`] : [];
    const [lines, sent] = frame(body, framing);
    const upload = tus && path.startsWith('/v1/uploads') ? uploadLines(path, tus, body) : [];
    const head = [`${method} ${path} HTTP/${version}`, 'Host: 127.0.0.1', ...stamp, ...upload, ...more, ...lines];
    return [...head, '', sent].join('\r\n');
  });

/** Of an upload that is under way, as a client goes on with it. */
const part = fc.tuple(fc.constantFrom(...UPLOADS), fc.constantFrom(0, PART.length)).map(([index, offset]) => {
  const [lines, sent] = frame(PART, 'length');
  const head = [`PATCH ${uploadPaths[index]} HTTP/1.1`, 'Host: 127.0.0.1', ...partLines(offset)];
  return [...head, ...lines, '', sent].join('\r\n');
});

/** A valid request with a few bytes changed, taken out or put in. */
const mutated = fc
  .tuple(
    request,
    fc.array(fc.tuple(fc.nat(400), fc.constantFrom(0, 1, 2), fc.constantFrom(...'\0\r\n\t :;,%/.\\"0aA\x7f\xff')), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([text, changes]) =>
    changes.reduce(
      (now, [at, taken, put]) => `${now.slice(0, at)}${taken === 2 ? '' : put}${now.slice(at + (taken > 0 ? 1 : 0))}`,
      text,
    ),
  );

const connection = fc.array(
  fc.oneof({ weight: 9, arbitrary: request }, { weight: 1, arbitrary: part }, { weight: 1, arbitrary: mutated }),
  {
    minLength: 4,
    maxLength: MOST_REQUESTS,
  },
);

test('generated requests', { timeout: 2 * PATIENCE_MS }, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`again with: SEED=${seed} node --test test/fault/generated-requests.test.ts`);
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const config = readFileSync(fleet.receiverConfig, 'utf8');
  const pid = receiver.child.pid ?? 0;
  const descriptors = () => readdirSync(`/proc/${pid}/fd`).length;
  const descriptorsBefore = descriptors();

  for (const index of UPLOADS) {
    const fields = { host_id: `u${index % 4}`, episode_id: `u${index}` };
    uploadPaths.push(await new TusClient(fleet.port).begin(Buffer.from(PART + PART), fields));
  }

  const stored = new Set<string>();
  const statuses: Record<number, number> = {};
  const memoryKb: number[] = [];
  let requests = 0;
  let batch = 0;
  const check = (answer: RawAnswer) => {
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    assertAnswer(answer);
    if (answer.status !== 201 || answer.headers['location']?.startsWith('/v1/uploads/')) return;
    const { host_id, episode_id, sha256: digest } = JSON.parse(answer.body);
    stored.add(`${host_id}/${episode_id} ${digest}`);
  };
  const batchOf = fc.array(connection, { minLength: CONNECTIONS, maxLength: CONNECTIONS });
  const property = fc.asyncProperty(batchOf, async (connections) => {
    const exchanges = await Promise.all(
      connections.map(async (texts) => {
        requests += texts.length;
        const socket = await openRaw(fleet.port);
        socket.write(Buffer.from(texts.join(''), 'latin1'));
        return { socket, ended: readAnswers(socket) };
      }),
    );
    // The good client is served while all of them are open, and by then most of theirs has been read.
    batch += 1;
    assert.equal((await put(fleet.port, `/v1/episodes/good/g${batch}.tar.zst`, `good ${batch}`)).status, 201);
    stored.add(`good/g${batch} ${sha256(`good ${batch}`)}`);
    for (const { socket } of exchanges) socket.end();
    for (const { ended } of exchanges) {
      const { answers, rest } = await ended;
      // Only an answer that was under way when its client left may be cut off.
      assert.match(rest, /^(?:$|HTTP\/1\.1 [12])/);
      for (const answer of answers) check(answer);
    }
    assert.equal(receiver.child.exitCode, null);
    memoryKb.push(residentKb(pid));
  });
  const result = await fc.check(property, { seed, numRuns: BATCHES, endOnFailure: true });
  // Not the counterexample: it is a hundred kilobytes of bytes.
  if (result.failed) {
    const complaints = receiver.stderr.split('\n').filter((line) => !/^(?:\S+ (?:INFO|WARNING) .*)?$/.test(line));
    t.diagnostic(`the receiver's complaints: ${complaints.slice(0, 40).join('\n')}`);
    throw result.errorInstance;
  }

  t.diagnostic(
    `${requests} requests, answers by status ${JSON.stringify(statuses)}, resident kB ${memoryKb.join(' ')}`,
  );
  assert.ok(requests >= LEAST_REQUESTS_IN_ALL);
  // The others stood behind one that ended its connection, or their client left first.
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  assert.ok(answers >= LEAST_REQUESTS_IN_ALL / 4 && (statuses[201] ?? 0) > 100);
  const warm = memoryKb.slice(0, memoryKb.length / 3);
  assert.ok((memoryKb.at(-1) ?? 0) < Math.max(...warm) + MEMORY_MARGIN_KB, `memory grew: ${memoryKb}`);
  await eventually(() => descriptors() <= descriptorsBefore, 'every descriptor is given back');
  assert.equal((await receiver.stop()).code, 0);
  assert.doesNotMatch(receiver.stderr, / (?:ERROR|CRITICAL) /);

  const rows = readRows(fleet.store);
  const answered = receiver.stderr.match(/ - "PUT \S+ HTTP\/1\.[01]" 201$/gm) ?? [];
  assert.equal(rows.length, answered.length);
  const listed = new Set(rows.map(({ host_id, episode_id, sha256: digest }) => `${host_id}/${episode_id} ${digest}`));
  assert.deepEqual(
    [...stored].filter((line) => !listed.has(line)),
    [],
  );
  for (const row of rows) assert.equal(sha256(readFileSync(join(fleet.store, row.path))), row.sha256);
  const files = readdirSync(join(fleet.store, 'episodes'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  assert.equal(files.length, rows.length);
  assert.deepEqual(readdirSync(join(fleet.store, 'incoming')), []);
  const byUpload = rows.filter(
    ({ host_id, sha256: digest }) => /^u[0-3]$/.test(host_id) && digest === sha256(PART + PART),
  );
  assert.ok(byUpload.length > 0, 'some uploads came to their end');
  assert.deepEqual(readdirSync(root).sort(), ['receiver.toml', 'store']);
  assert.equal(readFileSync(fleet.receiverConfig, 'utf8'), config);
});

function creationLines(host: string, name: string, body: string): string[] {
  const fields = { host_id: host, episode_id: name.replace('.tar.zst', '') };
  const metadata = metadataOf(Buffer.from(body), fields);
  return ['Tus-Resumable: 1.0.0', `Upload-Length: ${body.length}`, `Upload-Metadata: ${metadata}`];
}

function uploadLines(
  path: string,
  { host, name, offset }: { host: string; name: string; offset: number },
  body: string,
): string[] {
  return path === '/v1/uploads' ? creationLines(host, name, body) : partLines(offset);
}

function partLines(offset: number): string[] {
  return ['Tus-Resumable: 1.0.0', `Upload-Offset: ${offset}`, `Content-Type: ${OFFSET_TYPE}`];
}

/** Header lines and what follows them. */
function frame(body: string, kind: string): [lines: string[], sent: string] {
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
  const chunks = `${body === '' ? '' : chunk}0\r\n\r\n`;
  const length = (more: number) => `Content-Length: ${Math.max(0, body.length + more)}`;
  if (kind === 'length') return [[length(0)], body];
  if (kind === 'chunked') return [['Transfer-Encoding: chunked'], chunks];
  if (kind === 'longer') return [[length(7)], body];
  if (kind === 'shorter') return [[length(-1)], body];
  if (kind === 'both') return [[length(0), 'Transfer-Encoding: chunked'], chunks];
  if (kind === 'bad-chunk') return [['Transfer-Encoding: chunked'], `${chunk}zz\r\n`];
  return [[], ''];
}

function assertAnswer({ status, headers, body }: RawAnswer): void {
  assert.ok(status < 500 || status === 503 || status === 507, `${status} ${body}`);
  assert.match(headers['x-request-id'] ?? '', /^[0-9a-f-]{36}$/, `${status} ${body}`);
  if (status < 400) return;
  assert.equal(headers['content-type'], 'application/problem+json', `${status} ${body}`);
  const problem = JSON.parse(body);
  assert.equal(problem.status, status);
  assert.equal(problem.request_id, headers['x-request-id']);
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
