// Every kind of bad request that somebody has thought of, byte by byte: a 4xx problem or a closed connection, nothing in the store
// that was not answered 201, and a good client served right after.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { readRows } from '../support/nothing-lost.ts';
import type { Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { type RawAnswer, type RawOptions, sendRaw } from '../support/raw-request.ts';
import { makeDirectory, removeDirectory } from '../support/temporary-directory.ts';

const HOST = 'Host: 127.0.0.1\r\n';
const HEALTH = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const TARGET = '/v1/episodes/lab-1/bad.tar.zst';
const STAMP = `X-Cis490-Code-Commit: ${GOOD_COMMIT}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** Everything but the framing of its three bytes is right. */
const head = (framing: string, target = TARGET) =>
  `PUT ${target} HTTP/1.1\r\n${HOST}${STAMP}X-Content-SHA256: ${sha256('abc')}\r\n${framing}`;
const whole = (id: string, more = '') =>
  `${head(`${more}Content-Length: 3\r\n`, `/v1/episodes/lab-1/${id}.tar.zst`)}\r\nabc`;
const SMUGGLED = whole('smuggled');
const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\n${HOST}${more}\r\n`;
const post = (target: string, body: string, more = '') =>
  `POST ${target} HTTP/1.1\r\n${HOST}${more}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
const report = (body: string) => post('/v1/host-health/lab-1', body).replace('POST', 'PUT');
const beat = (more: string) =>
  post('/v1/heartbeat', `{"host_id":"lab-1","sent_at_wall":"now","machine":"m","boot_id":"b",${more}}`);
const repeated = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join('');

/** `closes`: the server ends the connection; else the test leaves after the last expected answer. */
type Case = [name: string, bytes: string, statuses: number[], ends?: 'closes' | 'stays'];

const FRAMING: Case[] = [
  ['Content-Length and Transfer-Encoding', `${head(`Content-Length: 3\r\n${CHUNKED}`)}\r\n0\r\n\r\n${SMUGGLED}`, [400]],
  ['Transfer-Encoding and Content-Length', `${head(`${CHUNKED}Content-Length: 3\r\n`)}\r\n0\r\n\r\n${SMUGGLED}`, [400]],
  ['two lengths that differ', `${head('Content-Length: 3\r\nContent-Length: 4\r\n')}\r\nabc`, [400]],
  ['two lengths that agree', `${head('Content-Length: 3\r\nContent-Length: 3\r\n')}\r\nabc`, [400]],
  ['two codings', `${head(`${CHUNKED}${CHUNKED}`)}\r\n3\r\nabc\r\n0\r\n\r\n`, [400]],
  ...['+3', '-3', '3 3', '3, 3', '3,', '0x3', '3e0', '3.0', '', '\u00b3', '18446744073709551616', '9'.repeat(40)].map(
    (length): Case => [`Content-Length: ${length}`, `${head(`Content-Length: ${length}\r\n`)}\r\nabc`, [400]],
  ),
  ['a length with a space before its colon', `${head('Content-Length : 3\r\n')}\r\nabc`, [400]],
  ...['9007199254740992', '18446744073709551615'].map(
    (length): Case => [`Content-Length: ${length}`, `${head(`Content-Length: ${length}\r\n`)}\r\nabc`, [413]],
  ),
  ...['xchunked', 'identity', 'chunked, identity', 'chunked, gzip', 'chunked;q=1', '"chunked"', 'gzip'].map(
    (coding): Case => [
      `Transfer-Encoding: ${coding}`,
      `${head(`Transfer-Encoding: ${coding}\r\n`)}\r\n3\r\nabc\r\n0\r\n\r\n`,
      [400],
    ],
  ),
  ['gzip, chunked', `${head('Transfer-Encoding: gzip, chunked\r\n')}\r\n3\r\nabc\r\n0\r\n\r\n`, [415], 'stays'],
  [
    'gzip, chunked for a heartbeat',
    `POST /v1/heartbeat HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    [415],
    'stays',
  ],
  ['a coding behind a folded line', `${head('Transfer-Encoding:\r\n chunked\r\n')}\r\n3\r\nabc\r\n0\r\n\r\n`, [400]],
  ['a coding behind a folded line with a tab', `${head('X: y\r\n\tTransfer-Encoding: chunked\r\n')}\r\n`, [400]],
  ['a vertical tab before the coding', `${head('Transfer-Encoding: \x0bchunked\r\n')}\r\n3\r\nabc\r\n0\r\n\r\n`, [400]],
  ['bare line feeds', `GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n`, [400]],
  ['bare carriage returns', `GET /healthz HTTP/1.1\rHost: 127.0.0.1\r\r`, [400]],
  ['a carriage return in a header', get('/healthz', 'X: a\rContent-Length: 3\r\n'), [400]],
  ['a header without a colon', get('/healthz', 'Nothing\r\n'), [400]],
  ['a header without a name', get('/healthz', ': x\r\n'), [400]],
  ...['+3', '-3', '0x3', ' 3', '3 ', 'g', '', '3\n', 'ffffffffffffffffff', '3;a\x00', '3;\n'].map(
    (size): Case => [
      `the chunk size ${JSON.stringify(size)}`,
      `${head(CHUNKED)}\r\n${size}\r\nabc\r\n0\r\n\r\n${SMUGGLED}`,
      [400],
    ],
  ),
  ['a chunk longer than its size', `${head(CHUNKED)}\r\n2\r\nabc\r\n0\r\n\r\n`, [400]],
  ['a chunk extension of 1 MiB', `${head(CHUNKED)}\r\n3;${'x'.repeat(1024 * 1024)}\r\nabc\r\n0\r\n\r\n`, [400]],
  ['a chunk as long as the address space', `${head(CHUNKED)}\r\nfffffffffffffff0\r\nabc`, [400]],
  [
    'a second request in the body of a refused PUT',
    `${head(`Content-Length: ${SMUGGLED.length}\r\nX-Cis490-Code-Commit: x\r\n`)}\r\n${SMUGGLED}${HEALTH}`,
    [400, 200],
    'stays',
  ],
  [
    'a second request behind a body too large to read',
    `${head(`Content-Length: 2000000\r\nX-Cis490-Code-Commit: x\r\n`)}\r\n${'x'.repeat(2_000_000)}${SMUGGLED}`,
    [400],
    'closes',
  ],
  ['a request behind one that closes', `${get('/healthz', 'Connection: close\r\n')}${SMUGGLED}`, [200], 'closes'],
  ['a length larger than the body', `${head('Content-Length: 100\r\n')}\r\nabc`, [400]],
  ['a length smaller than the body', `${head('Content-Length: 2\r\n')}\r\nabc`, [400, 400], 'closes'],
  ['no last chunk', `${head(CHUNKED)}\r\n3\r\nabc\r\n`, [400]],
  ['garbage behind a good request', `${HEALTH}\x00\x01\x02`, [200, 400]],
  ['garbage behind a large answer', `${get('/v1/openapi.json')}${get('/v1/openapi.json')}\x00`, [200, 200, 400]],
];

const TARGETS: Case[] = [
  ['absolute form', get(`http://127.0.0.1${TARGET}`), [400], 'stays'],
  ['authority form', get('127.0.0.1:80'), [400]],
  ['asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, [400], 'stays'],
  ['CONNECT', `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${HOST}\r\n`, [], 'closes'],
  ['TRACE', `TRACE /healthz HTTP/1.1\r\n${HOST}\r\n`, [405], 'stays'],
  ['an unknown method', `STEAL /healthz HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a method in lower case', `get /healthz HTTP/1.1\r\n${HOST}\r\n`, [400]],
  ['a known method that nothing here knows', `PROPFIND ${TARGET} HTTP/1.1\r\n${HOST}\r\n`, [405], 'stays'],
  ['HTTP/0.9', 'GET /healthz\r\n\r\n', [400]],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['HTTP/1.2', `GET /healthz HTTP/1.2\r\n${HOST}\r\n`, [400]],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
  ['HTTP/1.0 without Host', 'GET /healthz HTTP/1.0\r\n\r\n', [200], 'closes'],
  [
    'an upgrade',
    get('/healthz', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n'),
    [200],
    'stays',
  ],
  ...['/\x00', '/healthz\x7f', '/a b', '/\t', '/v1/fleet/\xff', '/v1/fleet/\xc0\xae'].map(
    (target): Case => [`target ${JSON.stringify(target)}`, get(target), [400]],
  ),
  ...['%2e%2e', '%2f', '%00', '%c0%ae', '%252e', '\\', '..', '.', '', 'a%', '#', 'lab-1#'].flatMap((piece): Case[] => [
    [
      `PUT ${piece} as host`,
      head('Content-Length: 3\r\n', `/v1/episodes/${piece}/x.tar.zst`).concat('\r\nabc'),
      [400],
      'stays',
    ],
    [
      `PUT ${piece} as episode`,
      head('Content-Length: 3\r\n', `/v1/episodes/lab-1/${piece}.tar.zst`).concat('\r\nabc'),
      [400],
      'stays',
    ],
    [`GET ${piece} as host`, get(`/v1/episodes/${piece}/x.tar.zst`), [400], 'stays'],
    [`PUT ${piece} as reporter`, report('{}').replace('/lab-1', `/${piece}/.`), [400], 'stays'],
  ]),
  [
    'more segments',
    head('Content-Length: 3\r\n', '/v1/episodes/lab-1/x/../../y.tar.zst').concat('\r\nabc'),
    [400],
    'stays',
  ],
  ['doubled slashes', get('//v1//fleet'), [400], 'stays'],
  [
    'path parameters',
    head('Content-Length: 3\r\n', '/v1/episodes/lab-1;a=b/x.tar.zst;v=1').concat('\r\nabc'),
    [400],
    'stays',
  ],
  ['a query on a PUT', head('Content-Length: 3\r\n', `${TARGET}?x=1`).concat('\r\nabc'), [400], 'stays'],
  ['query pollution', get('/v1/episodes?limit=1&limit=2&__proto__=x'), [400], 'stays'],
  ['broken escapes in a query', get('/v1/episodes?host=%zz%00'), [400], 'stays'],
  ['numbers out of range', get('/v1/episodes?cursor=1e999&limit=-0x1'), [400], 'stays'],
  ['a target of 17 KiB', get(`/${'a'.repeat(17 * 1024)}`), [431]],
];

const HEADERS: Case[] = [
  ['a header of 64 KiB', get('/healthz', `X: ${'x'.repeat(64 * 1024)}\r\n`), [431]],
  [
    'thousands of headers',
    get(
      '/healthz',
      repeated(2_000, (index) => `x${index}: y\r\n`),
    ),
    [431],
  ],
  [
    'a proxy behind many headers',
    get('/v1/ping', `${'a:\r\n'.repeat(240)}Via: 1.1 proxy\r\n`).replace('GET', 'POST'),
    [403],
    'stays',
  ],
  ['two Authorizations', get('/v1/fleet', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n'), [400], 'stays'],
  ['two Hosts', get('/healthz', 'Host: localhost\r\n'), [400], 'stays'],
  [
    'two digests that differ',
    `${head(`Content-Length: 3\r\nX-Content-SHA256: ${sha256('x')}\r\n`)}\r\nabc`,
    [400],
    'stays',
  ],
  ['two commits', `${head(`Content-Length: 3\r\n${STAMP}`)}\r\nabc`, [400], 'stays'],
  [
    'dirty twice, which must not pass for clean',
    `${head('Content-Length: 3\r\nX-Cis490-Code-Dirty: 1\r\nX-Cis490-Code-Dirty: 1\r\n')}\r\nabc`,
    [400],
    'stays',
  ],
  [
    'two expectations',
    `${head('Content-Length: 3\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n')}\r\nabc`,
    [400],
    'closes',
  ],
  ['another expectation', `${head('Content-Length: 3\r\nExpect: miracles\r\n')}\r\nabc`, [417], 'closes'],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', [400], 'stays'],
  ...['127.1:80', 'a b', '127.0.0.1@evil', '%31', 'A.999', 'x'.repeat(300), '\xff'].map(
    (host): Case => [
      `Host: ${host.slice(0, 20)}`,
      `GET /v1/fleet HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      host === 'x'.repeat(300) ? [403] : [400],
      'stays',
    ],
  ),
  ['a coded body', `${head('Content-Length: 3\r\nContent-Encoding: gzip\r\n')}\r\nabc`, [415], 'stays'],
  ['a part of a body', `${head('Content-Length: 3\r\nContent-Range: bytes 0-2/9\r\n')}\r\nabc`, [400], 'stays'],
  ['two content types', post('/v1/heartbeat', '{}', 'Content-Type: a/b\r\nContent-Type: c/d\r\n'), [400], 'stays'],
  ['a NUL in a header', get('/healthz', 'X: a\x00b\r\n'), [400]],
  ['8-bit header values', `${head('Content-Length: 3\r\nX-Cis490-Code-Commit: \xff\xfe"\r\n')}\r\nabc`, [400], 'stays'],
  [
    'a digest in 8 bit',
    `${head('Content-Length: 3\r\n').replace(sha256('abc'), '\xb2'.repeat(64))}\r\nabc`,
    [400],
    'stays',
  ],
  [
    'thousands of ranges',
    get('/v1/episodes/lab-1/none.tar.zst', `Range: bytes=${repeated(3_000, () => '0-0,')}0-\r\n`),
    [404],
    'stays',
  ],
];

const BODIES: Case[] = [
  ['an empty heartbeat', post('/v1/heartbeat', ''), [400], 'stays'],
  ['a heartbeat that is no object', post('/v1/heartbeat', '[]'), [400], 'stays'],
  ['a heartbeat larger than it may be', post('/v1/heartbeat', `{"a":"${'x'.repeat(17_000)}"}`), [413], 'stays'],
  [
    'a chunked heartbeat larger than it may be',
    `POST /v1/heartbeat HTTP/1.1\r\n${HOST}${CHUNKED}\r\nffff\r\n${'x'.repeat(0xffff)}\r\n`,
    [413],
    'closes',
  ],
  ['a heartbeat as deep as it fits', beat(`"recording":${'['.repeat(7_900)}${']'.repeat(7_900)}`), [204], 'stays'],
  ['a heartbeat with numbers out of range', beat('"free_bytes":1e999'), [400], 'stays'],
  ['a heartbeat with __proto__', beat('"__proto__":{"host_id":"other"},"constructor":1'), [204], 'stays'],
  ['a heartbeat that names its host twice', beat('"host_id":"../x"'), [400], 'stays'],
  ['a report 100,000 deep', report(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), [200], 'stays'],
  ['the fleet after that', get('/v1/fleet'), [200], 'stays'],
  ['a report with a byte order mark', report('\xef\xbb\xbf{}'), [400], 'stays'],
  ['a report that is no UTF-8', report('{"a":"\xff"}'), [400], 'stays'],
  ['a report that is a number of a million digits', report('9'.repeat(1_000_000)), [400], 'stays'],
  ['a report cut off', report('{"a":1').replace(/Content-Length: \d+/, 'Content-Length: 99'), [400]],
];

describe('bad input', () => {
  const root = makeDirectory();
  const good: string[] = [];
  let fleet: TestFleet;
  let receiver: Program;
  before(async () => {
    const store = join(root, 'store');
    // A gigabyte: less than any disk that the tests run on, so that lengths of exabytes are too large and not too much.
    fleet = await TestFleet.create(
      root,
      `[store]\nroot = "${store}"\nmin_free = "1 MiB"\nmax_episode_bytes = "1 GiB"\n`,
    );
    receiver = await fleet.startReceiver();
  });
  after(async () => {
    await receiver.kill();
    removeDirectory(root);
  });

  for (const [name, bytes, statuses, ends] of [...FRAMING, ...TARGETS, ...HEADERS, ...BODIES]) {
    test(name.replaceAll(/[^ -~]/g, '?'), async () => {
      const options: RawOptions = {};
      if (ends === 'stays') options.leaveAfter = statuses.length;
      // What waits for more is told that there is none.
      if (ends === undefined) options.endsSending = true;
      const { answers, rest, wasReset } = await sendRaw(fleet.port, bytes, options);
      assert.deepEqual(
        answers.map(({ status }) => status),
        statuses,
        JSON.stringify(answers).slice(0, 2_000),
      );
      assert.equal(rest, '');
      assert.equal(wasReset, false);
      for (const answer of answers) checkAnswer(answer);
      const target = `/v1/episodes/lab-1/good-${good.length}.tar.zst`;
      assert.equal((await put(fleet.port, target, 'abc')).status, 201);
      good.push(target);
    });
  }

  test('pipelined PUTs are answered in order, each handled after the one before', async () => {
    const requests = ['p1', 'p2', 'p1', 'p3'].map((id) => whole(id));
    const { answers } = await sendRaw(fleet.port, `${requests.join('')}${get('/v1/nothing')}${HEALTH}`, {
      leaveAfter: 6,
    });
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 200, 201, 404, 200],
    );
    const ids = answers.slice(0, 4).map(({ body }) => JSON.parse(body)['episode_id']);
    assert.deepEqual(ids, ['p1', 'p2', 'p1', 'p3']);
    const rows = readRows(fleet.store).map(({ episode_id }) => episode_id);
    assert.deepEqual(rows.slice(-3), ['p1', 'p2', 'p3']);
    for (const id of ['p1', 'p2', 'p3']) good.push(`/v1/episodes/lab-1/${id}.tar.zst`);
  });

  test('after all of it the store holds what was answered 201 and nothing else', async () => {
    assert.equal((await receiver.stop()).code, 0);
    const targets = readRows(fleet.store).map(({ path }) => `/v1/${path}`);
    assert.deepEqual(targets, good);
    const files = readdirSync(join(fleet.store, 'episodes'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join('/v1', join(parentPath, name).slice(fleet.store.length)));
    assert.deepEqual(files.sort(), [...good].sort());
    assert.deepEqual(readdirSync(join(fleet.store, 'incoming')), []);
    assert.deepEqual(readdirSync(join(fleet.store, 'host-health')), ['lab-1.json']);
    assert.deepEqual(readdirSync(root).sort(), ['receiver.toml', 'store']);
    const complaints = receiver.stderr.split('\n').filter((line) => !/^(?:\S+ (?:INFO|WARNING) .*)?$/.test(line));
    assert.deepEqual(complaints, []);
  });
});

function checkAnswer({ status, headers, body }: RawAnswer): void {
  assert.match(headers['x-request-id'] ?? '', /^[0-9a-f-]{36}$/);
  if (status < 400) return;
  assert.equal(headers['content-type'], 'application/problem+json');
  const problem = JSON.parse(body);
  assert.equal(problem.status, status);
  assert.equal(problem.request_id, headers['x-request-id']);
}
