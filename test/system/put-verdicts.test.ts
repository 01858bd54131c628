// Every verdict of an episode PUT, over a real socket, from the real receiver.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import type { Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { makeDirectory, removeDirectory } from '../support/temporary-directory.ts';

const BODY = randomBytes(1000);
const OTHER = randomBytes(1000);
const B64 = Buffer.from(sha256(BODY), 'hex').toString('base64');
const BLOCKED_COMMIT = 'c'.repeat(40);

describe('episode PUT', () => {
  const root = makeDirectory();
  let fleet: TestFleet;
  let receiver: Program;
  before(async () => {
    fleet = await TestFleet.create(
      root,
      `[version_gate]\ncommits = ["${GOOD_COMMIT}", "${BLOCKED_COMMIT}"]\nblocked_commits = ["${BLOCKED_COMMIT}"]\ndirty = "refuse"\n` +
        `[store]\nroot = "${join(root, 'store')}"\nmin_free = "1 MiB"\nmax_episode_bytes = "1 MiB"\n`,
    );
    receiver = await fleet.startReceiver();
  });
  after(async () => {
    await receiver.stop();
    removeDirectory(root);
  });

  test('201, the same again 200, another content 409, and the bytes back', async () => {
    const stored = await put(fleet.port, '/v1/episodes/lab-1/first.tar.zst', BODY, { 'X-Cis490-Schema-Version': '7' });
    assert.equal(stored.status, 201, stored.text);
    const { received_at_wall, ...rest } = stored.json;
    assert.deepEqual(rest, {
      status: 'stored',
      host_id: 'lab-1',
      episode_id: 'first',
      sha256: sha256(BODY),
      bytes: 1000,
      seq: 1,
    });
    assert.match(String(received_at_wall), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);

    const again = await put(fleet.port, '/v1/episodes/lab-1/first.tar.zst', BODY);
    assert.equal(again.status, 200);
    assert.deepEqual(again.json, { ...stored.json, status: 'duplicate' });

    const other = await put(fleet.port, '/v1/episodes/lab-1/first.tar.zst', OTHER);
    assert.equal(other.status, 409);
    assert.equal(other.json['code'], 'conflict');
    assert.equal(other.json['stored_sha256'], sha256(BODY));

    const [row] = readRows(fleet.store);
    assert.deepEqual(row, {
      host_id: 'lab-1',
      episode_id: 'first',
      received_at_wall,
      sha256: sha256(BODY),
      bytes: 1000,
      path: 'episodes/lab-1/first.tar.zst',
      schema_version: '7',
      commit: GOOD_COMMIT,
      dirty: false,
      gate: { head: GOOD_COMMIT, source: 'static' },
      seq: 1,
    });
    assert.deepEqual(readFileSync(join(fleet.store, 'episodes/lab-1/first.tar.zst')), BODY);

    const got = await fetch(`${fleet.url}/v1/episodes/lab-1/first.tar.zst`);
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('etag'), `"${sha256(BODY)}"`);
    assert.equal(got.headers.get('repr-digest'), `sha-256=:${B64}:`);
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), BODY);
    const head = await fetch(`${fleet.url}/v1/episodes/lab-1/first.tar.zst`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '1000');
    assert.equal((await head.arrayBuffer()).byteLength, 0);
    assert.equal((await send(fleet.port, '/v1/episodes/lab-1/never.tar.zst')).json['code'], 'not-found');
  });

  for (const [name, headers] of Object.entries({
    'Repr-Digest in place of the hex': { 'X-Content-SHA256': '', 'Repr-Digest': `sha-256=:${B64}:` },
    'Content-Digest beside another algorithm': {
      'X-Content-SHA256': '',
      'Content-Digest': `sha-512=:AAAA:, sha-256=:${B64}:`,
    },
    'all three, agreeing': { 'Repr-Digest': `sha-256=:${B64}:`, 'Content-Digest': `sha-256=:${B64}:` },
    'the commit in upper case': { 'X-Cis490-Code-Commit': GOOD_COMMIT.toUpperCase() },
    'a chunked body': { 'Transfer-Encoding': 'chunked' },
  })) {
    test(`201 with ${name}`, async () => {
      const id = name.replaceAll(/[^a-z]/gi, '-');
      const answer = await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, BODY, headers);
      assert.equal(answer.status, 201, answer.text);
      assert.equal(readRows(fleet.store).at(-1)?.commit, GOOD_COMMIT);
    });
  }

  const target = '/v1/episodes/lab-1/refused.tar.zst';
  const refusals: [
    name: string,
    status: number,
    code: string,
    target: string,
    headers: Record<string, string>,
    body?: Uint8Array,
  ][] = [
    ['host id with a leading dash', 400, 'bad-host-id', '/v1/episodes/-x/e.tar.zst', {}],
    ['host id of 65 letters', 400, 'bad-host-id', `/v1/episodes/${'h'.repeat(65)}/e.tar.zst`, {}],
    ['dot segments', 400, 'bad-host-id', '/v1/episodes/../e.tar.zst', {}],
    ['escaped dot segments', 400, 'bad-host-id', '/v1/episodes/%2e%2e/e.tar.zst', {}],
    ['escaped slash in the episode', 400, 'bad-episode-id', '/v1/episodes/lab-1/a%2fb.tar.zst', {}],
    ['hidden episode', 400, 'bad-episode-id', '/v1/episodes/lab-1/.hidden.tar.zst', {}],
    ['episode id of 129 letters', 400, 'bad-episode-id', `/v1/episodes/lab-1/${'e'.repeat(129)}.tar.zst`, {}],
    ['another suffix', 400, 'bad-suffix', '/v1/episodes/lab-1/e.tar.gz', {}],
    ['a query behind the suffix', 400, 'bad-suffix', '/v1/episodes/lab-1/e.tar.zst?x=1', {}],
    ['no commit', 400, 'commit-missing', target, { 'X-Cis490-Code-Commit': '' }],
    ['an abbreviated commit', 400, 'commit-malformed', target, { 'X-Cis490-Code-Commit': 'abc1234' }],
    ['no digest', 400, 'digest-missing', target, { 'X-Content-SHA256': '' }],
    ['a short digest', 400, 'digest-malformed', target, { 'X-Content-SHA256': 'abc' }],
    [
      'digests that differ',
      400,
      'digest-malformed',
      target,
      { 'Repr-Digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
    ],
    ['another body than its digest', 400, 'digest-mismatch', target, { 'X-Content-SHA256': sha256(OTHER) }],
    ['Content-Range', 400, 'content-range-refused', target, { 'Content-Range': 'bytes 0-999/2000' }],
    ['Content-Encoding', 415, 'encoding-refused', target, { 'Content-Encoding': 'gzip' }],
    ['a stale commit', 412, 'commit-not-in-window', target, { 'X-Cis490-Code-Commit': STALE_COMMIT }],
    ['a blocked commit', 412, 'commit-blocked', target, { 'X-Cis490-Code-Commit': BLOCKED_COMMIT }],
    ['a modified tree', 412, 'dirty-refused', target, { 'X-Cis490-Code-Dirty': '1' }],
    ['too large by its length', 413, 'too-large', target, {}, randomBytes(1024 * 1024 + 1)],
    [
      'too large by counting',
      413,
      'too-large',
      target,
      { 'Transfer-Encoding': 'chunked' },
      randomBytes(3 * 1024 * 1024),
    ],
  ];
  for (const [name, status, code, path, headers, body = BODY] of refusals) {
    test(`${status} ${code}: ${name}`, async () => {
      const rowsBefore = readRows(fleet.store).length;
      const answer = await put(fleet.port, path, body, headers);
      assert.equal(answer.json['code'], code, answer.text);
      assert.equal(answer.status, status);
      assert.equal(answer.json['status'], status);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.json['request_id'], answer.headers['x-request-id']);
      assert.ok(String(answer.json['detail']).length > 10);
      assert.equal(readRows(fleet.store).length, rowsBefore);
      assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
      assert.ok(!namesIn(join(fleet.store, 'episodes/lab-1')).includes('refused.tar.zst'));
    });
  }

  test('the refusals of the gate carry the cure and both commits', async () => {
    for (const [commit, code] of [
      ['', 'commit-missing'],
      [STALE_COMMIT, 'commit-not-in-window'],
    ] as const) {
      const answer = await put(fleet.port, target, BODY, { 'X-Cis490-Code-Commit': commit });
      assert.equal(answer.json['code'], code);
      assert.equal(answer.json['your_commit'], commit === '' ? null : commit);
      assert.equal(answer.json['head_commit'], GOOD_COMMIT);
      assert.deepEqual(String(answer.json['remediation']).split('\n'), [
        'cd /opt/cis490 && sudo -u cis490 git pull origin main',
        'sudo /opt/cis490/scripts/install-lab-host.sh',
        'sudo systemctl restart cis490-orchestrator',
      ]);
    }
    const blocked = await put(fleet.port, target, BODY, { 'X-Cis490-Code-Commit': BLOCKED_COMMIT });
    assert.equal(blocked.json['head_distance'], 1);
  });

  test('what is wrong is told in the order of the contract', async () => {
    const wrong: Record<string, string> = {
      'X-Cis490-Code-Commit': '',
      'X-Content-SHA256': '',
      'Content-Length': String(2 * 1024 * 1024),
    };
    const code = async (path: string) =>
      (await put(fleet.port, path, new Uint8Array(2 * 1024 * 1024), wrong)).json['code'];
    assert.equal(await code('/v1/episodes/-/.zip'), 'bad-host-id');
    assert.equal(await code('/v1/episodes/lab-1/.zip'), 'bad-episode-id');
    assert.equal(await code('/v1/episodes/lab-1/e.zip'), 'bad-suffix');
    assert.equal(await code(target), 'commit-missing');
    wrong['X-Cis490-Code-Commit'] = 'short';
    assert.equal(await code(target), 'commit-malformed');
    wrong['X-Cis490-Code-Commit'] = STALE_COMMIT;
    assert.equal(await code(target), 'commit-not-in-window');
    wrong['X-Cis490-Code-Commit'] = GOOD_COMMIT;
    assert.equal(await code(target), 'digest-missing');
    wrong['X-Content-SHA256'] = sha256('x');
    assert.equal(await code(target), 'too-large');
    // A duplicate of an episode that is stored comes last.
    assert.equal(await code('/v1/episodes/lab-1/first.tar.zst'), 'too-large');
  });

  test('the log has the two plain lines of each refusal, apart', async () => {
    await put(fleet.port, '/v1/episodes/lab-9/logged.tar.zst', BODY, { 'X-Cis490-Code-Commit': '' });
    await receiver.printed(/INFO 127\.0\.0\.1:\d+ - "PUT \/v1\/episodes\/lab-9\/logged\.tar\.zst HTTP\/1\.1" 400\n/);
    const [line] = await receiver.printed(/.*rejected episode host=lab-9.*/);
    assert.match(
      line,
      /WARNING rejected episode host=lab-9 episode=logged code=commit-missing missing X-Cis490-Code-Commit/,
    );
    assert.doesNotMatch(line, /PUT/);
  });

  test('ping writes nothing and tells the head; healthz is alive; anything else is 404', async () => {
    const ping = await send(fleet.port, '/v1/ping', { method: 'POST' });
    assert.equal(ping.status, 200);
    assert.equal(ping.json['ok'], true);
    assert.deepEqual(ping.json['gate'], { enabled: true, head: GOOD_COMMIT });
    assert.equal((await send(fleet.port, '/healthz')).status, 200);
    assert.equal((await send(fleet.port, '/v1/nothing')).json['code'], 'not-found');
    assert.equal((await send(fleet.port, '/v1/episodes/lab-1/%2e%2e/x.tar.zst')).json['code'], 'bad-target');
  });
});
