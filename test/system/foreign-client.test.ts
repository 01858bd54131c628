// A client that is not ours, Python's httpx, through every verdict of the contract.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { GitRepository } from '../support/git-repository.ts';
import { readRows } from '../support/nothing-lost.ts';
import { PROJECT_ROOT } from '../support/program.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FLEET_TOKEN = 'the-token-of-the-whole-fleet';
const BLOCKED_COMMIT = 'd'.repeat(40);
const MIB = 1024 * 1024;

interface Case {
  method?: string;
  target: string;
  headers?: Record<string, string>;
  body?: string;
  /** Bytes of a streamed body, in place of `body`. */
  size?: number;
}

interface Given {
  status: number;
  code: string | null;
  request_id: string | null;
  retry_after: string | null;
  text: string;
}

async function ask(port: number, cases: Case[]): Promise<Given[]> {
  const python = spawn('/usr/bin/python3', [join(PROJECT_ROOT, 'test/support/httpx_requests.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  python.stdin.end(JSON.stringify([`http://127.0.0.1:${port}`, cases]));
  const answers = json(python.stdout);
  const [code] = await once(python, 'close');
  assert.equal(code, 0);
  return (await answers) as Given[];
}

/** Each case with what it must be answered. */
async function expectAll(port: number, expected: [name: string, given: Case, status: number, code: string | null][]) {
  const answers = await ask(
    port,
    expected.map(([, given]) => given),
  );
  const found = answers.map(({ status, code }, index) => [expected[index]?.[0], status, code]);
  assert.deepEqual(
    found,
    expected.map(([name, , status, code]) => [name, status, code]),
  );
  for (const { status, request_id, retry_after } of answers) {
    assert.match(request_id ?? '', /^[0-9a-f-]{36}$/);
    if (status === 503) assert.ok(Number(retry_after) > 0);
  }
  return answers;
}

const hasHttpx = (t: TestContext) => hasSystemPart(t, ['/usr/bin/python3', '-c', 'import httpx'], 'python3-httpx');

test('httpx meets every verdict on an episode', async (t) => {
  if (!hasHttpx(t)) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(
    root,
    `[store]\nroot = "${root}/store"\nmin_free = "1 MiB"\nmax_episode_bytes = "1 MiB"
[auth]\nfleet_token_sha256 = "${sha256(FLEET_TOKEN)}"
[version_gate]\ncommits = ["${GOOD_COMMIT}", "${BLOCKED_COMMIT}"]\nblocked_commits = ["${BLOCKED_COMMIT}"]\ndirty = "refuse"\n`,
  );
  const launcher = join(PROJECT_ROOT, 'bin/cis490');
  const token = (...args: string[]) =>
    execFileSync(launcher, ['token', 'create', '--config', fleet.receiverConfig, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const [hostToken, admin, reader] = [
    token('--role', 'host', '--host', 'lab-1'),
    token('--role', 'admin'),
    token('--role', 'reader'),
  ];
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());

  const target = (id: string, hostId = 'lab-1') => `/v1/episodes/${hostId}/${id}.tar.zst`;
  /** A good PUT; `headers` adds, or with an empty value takes away. */
  const episode = (id: string, headers: Record<string, string> = {}, more: Partial<Case> = {}): Case => {
    const body = more.body ?? `episode ${id}`;
    const all: Record<string, string> = {
      Authorization: `Bearer ${FLEET_TOKEN}`,
      'X-Content-SHA256': more.size ? sha256('x'.repeat(more.size)) : sha256(body),
      'X-Cis490-Code-Commit': GOOD_COMMIT,
      ...headers,
    };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    return { target: target(id), ...(more.size ? {} : { body }), ...more, headers: kept };
  };
  const as = (secret: string) => ({ Authorization: `Bearer ${secret}` });
  const digest = (text: string) => `sha-256=:${Buffer.from(sha256(text), 'hex').toString('base64')}:`;

  await expectAll(fleet.port, [
    ['stored', episode('a'), 201, null],
    ['the same again', episode('a'), 200, null],
    ['with Repr-Digest alone', episode('b', { 'X-Content-SHA256': '', 'Repr-Digest': digest('episode b') }), 201, null],
    ["by the host's own token", episode('c', as(hostToken)), 201, null],
    ['chunked', episode('chunked', {}, { size: 8 * 65_536 }), 201, null],
    ['another content', episode('a', {}, { body: 'other' }), 409, 'conflict'],
    ['no credential', episode('d', { Authorization: '' }), 401, 'credential-missing'],
    ['an unknown token', episode('d', as('nobody')), 401, 'credential-invalid'],
    ["on another host's path", episode('d', as(hostToken), { target: target('d', 'lab-2') }), 403, 'forbidden'],
    ['by a reader', episode('d', as(reader)), 403, 'forbidden'],
    ['a bad host id', episode('d', {}, { target: '/v1/episodes/-lab/d.tar.zst' }), 400, 'bad-host-id'],
    ['a bad episode id', episode('d', {}, { target: '/v1/episodes/lab-1/-d.tar.zst' }), 400, 'bad-episode-id'],
    ['a bad suffix', episode('d', {}, { target: '/v1/episodes/lab-1/d.tar.gz' }), 400, 'bad-suffix'],
    ['no commit', episode('d', { 'X-Cis490-Code-Commit': '' }), 400, 'commit-missing'],
    ['an abbreviated commit', episode('d', { 'X-Cis490-Code-Commit': 'abc1234' }), 400, 'commit-malformed'],
    ['a stale commit', episode('d', { 'X-Cis490-Code-Commit': STALE_COMMIT }), 412, 'commit-not-in-window'],
    ['a blocked commit', episode('d', { 'X-Cis490-Code-Commit': BLOCKED_COMMIT }), 412, 'commit-blocked'],
    ['a modified tree', episode('d', { 'X-Cis490-Code-Dirty': '1' }), 412, 'dirty-refused'],
    ['no digest', episode('d', { 'X-Content-SHA256': '' }), 400, 'digest-missing'],
    ['a malformed digest', episode('d', { 'X-Content-SHA256': 'abc' }), 400, 'digest-malformed'],
    ['another body than declared', episode('d', { 'X-Content-SHA256': sha256('other') }), 400, 'digest-mismatch'],
    ['Content-Range', episode('d', { 'Content-Range': 'bytes 0-1/9' }), 400, 'content-range-refused'],
    ['Content-Encoding', episode('d', { 'Content-Encoding': 'gzip' }), 415, 'encoding-refused'],
    [
      'too large by its length',
      episode('d', { 'Content-Length': String(2 * MIB) }, { size: 2 * MIB }),
      413,
      'too-large',
    ],
    ['too large by counting', episode('d', {}, { size: 2 * MIB }), 413, 'too-large'],
    ['Expect of something else', episode('d', { Expect: 'miracles' }), 417, 'expectation-failed'],
    ['read by a reader', { method: 'GET', target: target('a'), headers: as(reader) }, 200, null],
    ['a part of it', { method: 'GET', target: target('a'), headers: { ...as(reader), Range: 'bytes=0-3' } }, 206, null],
    [
      'what it has not',
      { method: 'GET', target: target('a'), headers: { ...as(reader), Range: 'bytes=99-' } },
      416,
      'range-not-satisfiable',
    ],
    [
      'what is known already',
      { method: 'GET', target: target('a'), headers: { ...as(reader), 'If-None-Match': `"${sha256('episode a')}"` } },
      304,
      null,
    ],
    ['read by a host', { method: 'GET', target: target('a'), headers: as(hostToken) }, 403, 'forbidden'],
    ['its headers by its host', { method: 'HEAD', target: target('a'), headers: as(hostToken) }, 200, null],
    ['never stored', { method: 'GET', target: target('never'), headers: as(reader) }, 404, 'not-found'],
    ['another method', { method: 'PATCH', target: target('a'), headers: as(admin) }, 405, 'method-not-allowed'],
    [
      'retracted by a reader',
      { method: 'DELETE', target: `${target('b')}?reason=x`, headers: as(reader) },
      403,
      'forbidden',
    ],
    ['retracted without a reason', { method: 'DELETE', target: target('b'), headers: as(admin) }, 400, 'bad-query'],
    ['retracted', { method: 'DELETE', target: `${target('b')}?reason=upside+down`, headers: as(admin) }, 200, null],
    ['stored again after it', episode('b'), 409, 'retracted'],
    ['read after it', { method: 'GET', target: target('b'), headers: as(reader) }, 410, 'gone'],
    ['ping', { method: 'POST', target: '/v1/ping', headers: as(hostToken) }, 200, null],
    [
      'a heartbeat of another host',
      {
        method: 'POST',
        target: '/v1/heartbeat',
        headers: as(hostToken),
        body: '{"host_id":"lab-2","sent_at_wall":"x","machine":"m","boot_id":"b"}',
      },
      403,
      'forbidden',
    ],
    [
      'a malformed heartbeat',
      { method: 'POST', target: '/v1/heartbeat', headers: as(hostToken), body: '{}' },
      400,
      'bad-body',
    ],
  ]);
  assert.deepEqual(
    readRows(fleet.store).map(({ episode_id }) => episode_id),
    ['a', 'b', 'c', 'chunked', 'b'],
  );

  rmSync(join(fleet.store, 'episodes/lab-1/c.tar.zst'));
  await expectAll(fleet.port, [
    ['its file is gone', { method: 'GET', target: target('c'), headers: as(reader) }, 500, 'file-missing'],
  ]);
  assert.ok(!existsSync(join(fleet.store, 'episodes/lab-2')));
});

test('httpx is put off while the gate cannot know, and while there is no room', async (t) => {
  if (!hasHttpx(t)) return;
  const root = temporaryDirectory(t);
  const repository = new GitRepository(join(root, 'code'));
  const commit = repository.commit('one');
  const fleet = await TestFleet.create(root, `[version_gate]\nlocal_repo_path = "${repository.path}"\n`);
  rmSync(join(repository.path, '.git'), { recursive: true });
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const episode = (id: string, by: string): Case => ({
    target: `/v1/episodes/lab-1/${id}.tar.zst`,
    body: id,
    headers: { 'X-Content-SHA256': sha256(id), 'X-Cis490-Code-Commit': by },
  });
  await expectAll(fleet.port, [['nothing was ever learned', episode('a', commit), 503, 'gate-unknown']]);

  const again = new GitRepository(join(root, 'code'));
  const head = again.commit('again');
  await expectAll(fleet.port, [['learned', episode('a', head), 201, null]]);
  rmSync(join(repository.path, '.git'), { recursive: true });
  await expectAll(fleet.port, [
    ['known from before', episode('b', head), 201, null],
    ['not known, and nobody to ask', episode('c', 'e'.repeat(40)), 503, 'gate-stale'],
    ['not ready is another thing', { method: 'GET', target: '/readyz' }, 200, null],
  ]);

  await receiver.stop();
  writeFileSync(
    fleet.receiverConfig,
    `[listen]\nport = ${fleet.port}\n[store]\nroot = "${fleet.store}"\nmin_free = "1000 TiB"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`,
  );
  receiver = await fleet.startReceiver();
  await expectAll(fleet.port, [
    ['no room', episode('d', GOOD_COMMIT), 507, 'disk-reserve'],
    ['not ready', { method: 'GET', target: '/readyz' }, 503, 'not-ready'],
  ]);
});
