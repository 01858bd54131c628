// Resumable uploads against the real receiver: each refusal of a PUT, each rule of tus, each owner, and what is stored at the end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { type Answer, put } from '../support/put.ts';
import { makeDirectory, removeDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { metadataOf, noise, TusClient } from '../support/tus.ts';

const BODY = noise(300_000);
const BLOCKED_COMMIT = 'c'.repeat(40);
const KEYS = `[version_gate]\ncommits = ["${GOOD_COMMIT}", "${BLOCKED_COMMIT}"]\nblocked_commits = ["${BLOCKED_COMMIT}"]\ndirty = "refuse"\n`;

/** A HEAD has its code in a header. */
function codeOf({ status, headers, json }: Answer): [number, unknown] {
  return [status, headers['x-cis490-problem'] ?? json['code']];
}

function unfinishedIn(fleet: TestFleet): string[] {
  return namesIn(join(fleet.store, 'uploads')).filter((name) => name !== 'idle.json');
}

describe('an upload', () => {
  const root = makeDirectory();
  let fleet: TestFleet;
  let receiver: Program;
  let client: TusClient;
  before(async () => {
    const store = `[store]\nroot = "${join(root, 'store')}"\nmin_free = "1 MiB"\nmax_episode_bytes = "1 MiB"\n`;
    fleet = await TestFleet.create(root, `${KEYS}${store}[uploads]\nper_host = 2\n`);
    receiver = await fleet.startReceiver();
    client = new TusClient(fleet.port);
  });
  after(async () => {
    await receiver.stop();
    removeDirectory(root);
  });

  test('in three parts is stored as by a PUT, once, and a PUT is its receipt', async () => {
    const path = await client.begin(BODY, { episode_id: 'parts', schema_version: '7' });
    assert.match(path, /^\/v1\/uploads\/[0-9a-f]{32}$/);
    assert.equal(await client.offset(path), 0);
    for (const [from, to] of [
      [0, 100_000],
      [100_000, 100_001],
      [100_001, BODY.length],
    ] as const) {
      const answer = await client.patch(path, from, BODY.subarray(from, to));
      assert.deepEqual([answer.status, answer.headers['upload-offset']], [204, String(to)]);
      assert.equal('upload-expires' in answer.headers, to !== BODY.length);
      // Told at its end only when it is stored; and remembered, should the answer be lost.
      assert.equal(await client.offset(path), to);
    }
    const row = readRows(fleet.store).find(({ path: stored }) => stored.endsWith('/parts.tar.zst'));
    const { received_at_wall, seq, ...rest } = row as unknown as Record<string, unknown>;
    assert.deepEqual(rest, {
      host_id: 'lab-1',
      episode_id: 'parts',
      sha256: sha256(BODY),
      bytes: BODY.length,
      path: 'episodes/lab-1/parts.tar.zst',
      schema_version: '7',
      commit: GOOD_COMMIT,
      dirty: false,
      gate: { head: GOOD_COMMIT, source: 'static' },
    });
    assert.deepEqual(readFileSync(join(fleet.store, 'episodes/lab-1/parts.tar.zst')), BODY);
    assert.deepEqual(unfinishedIn(fleet), []);
    const receipt = await put(fleet.port, '/v1/episodes/lab-1/parts.tar.zst', BODY);
    assert.deepEqual([receipt.status, receipt.json['status'], receipt.json['seq']], [200, 'duplicate', seq]);
    // The first line is the upload's, in the form of a PUT.
    await receiver.printed(
      /"PUT \/v1\/episodes\/lab-1\/parts\.tar\.zst HTTP\/1\.1" 201\n[\s\S]*parts\.tar\.zst HTTP\/1\.1" 200\n/,
    );
    assert.equal(receiver.stderr.match(/parts\.tar\.zst HTTP/g)?.length, 2);

    const again = await client.create(BODY, { episode_id: 'parts' });
    assert.deepEqual(
      [again.status, again.json['status'], again.headers.location],
      [200, 'duplicate', undefined],
      'what is stored already is told as to a PUT',
    );
    const other = await client.create(noise(10), { episode_id: 'parts' });
    assert.deepEqual(codeOf(other), [409, 'conflict']);
    assert.equal(other.json['stored_sha256'], sha256(BODY));
  });

  const OF_A_PUT: [what: string, fields: Record<string, string>, status: number, code: string][] = [
    ['no host id', { host_id: '' }, 400, 'bad-host-id'],
    ['a bad host id', { host_id: '../x' }, 400, 'bad-host-id'],
    ['a bad host id before a bad episode id', { host_id: 'a b', episode_id: '-' }, 400, 'bad-host-id'],
    ['no episode id', { episode_id: '' }, 400, 'bad-episode-id'],
    ['a newline in the episode id', { episode_id: 'a\nb' }, 400, 'bad-episode-id'],
    ['no commit', { commit: '' }, 400, 'commit-missing'],
    ['a short commit', { commit: 'abc' }, 400, 'commit-malformed'],
    ['a commit outside of the window', { commit: STALE_COMMIT, sha256: '' }, 412, 'commit-not-in-window'],
    ['a blocked commit', { commit: BLOCKED_COMMIT }, 412, 'commit-blocked'],
    ['a modified tree', { dirty: '1' }, 412, 'dirty-refused'],
    ['no digest', { sha256: '' }, 400, 'digest-missing'],
    ['a malformed digest', { sha256: 'xyz' }, 400, 'digest-malformed'],
  ];
  for (const [what, fields, status, code] of OF_A_PUT) {
    test(`with ${what} is refused at its creation: ${status} ${code}`, async () => {
      const answer = await client.create(BODY, fields);
      assert.deepEqual(codeOf(answer), [status, code]);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.headers['tus-resumable'], '1.0.0');
      if (status === 412) assert.match(String(answer.json['remediation']), /git pull/);
      assert.deepEqual(unfinishedIn(fleet), []);
    });
  }

  test('a refusal is told in the log in the form of a PUT, whatever the metadata holds', async () => {
    const id = 'x HTTP/1.1" 201\nforged';
    assert.equal((await client.create(BODY, { episode_id: id, commit: '' })).status, 400);
    assert.equal((await client.create(BODY, { episode_id: 'log-1', commit: '' })).status, 400);
    await receiver.printed(/"PUT \/v1\/episodes\/lab-1\/log-1\.tar\.zst HTTP\/1\.1" 400/);
    assert.match(
      receiver.stderr,
      /WARNING rejected episode host=lab-1 episode=log-1 code=commit-missing missing X-Cis490/,
    );
    assert.doesNotMatch(receiver.stderr, /forged"|^forged/m);
  });

  test('that is too large for this receiver is refused', async () => {
    const answer = await client.create(BODY, {}, { 'Upload-Length': String(1024 ** 2 + 1) });
    assert.deepEqual(codeOf(answer), [413, 'too-large']);
  });

  const OF_TUS: [what: string, headers: Record<string, string>, status: number, code: string][] = [
    ['without a version', { 'Tus-Resumable': '' }, 412, 'tus-version-unsupported'],
    ['of another version', { 'Tus-Resumable': '0.2.2' }, 412, 'tus-version-unsupported'],
    ['without a length', { 'Upload-Length': '' }, 400, 'tus-request-malformed'],
    ['of a length that is none', { 'Upload-Length': '1e3' }, 400, 'tus-request-malformed'],
    ['of no bytes', { 'Upload-Length': '0' }, 400, 'tus-request-malformed'],
    ['of a length told later', { 'Upload-Length': '', 'Upload-Defer-Length': '1' }, 400, 'tus-request-malformed'],
    ['that is a part of another', { 'Upload-Concat': 'partial' }, 400, 'tus-request-malformed'],
    ['with metadata that are none', { 'Upload-Metadata': 'host_id bGFi,host_id bGFi' }, 400, 'tus-request-malformed'],
  ];
  for (const [what, headers, status, code] of OF_TUS) {
    test(`${what} is refused: ${status} ${code}`, async () => {
      const answer = await client.create(BODY, {}, headers);
      assert.deepEqual(codeOf(answer), [status, code]);
      if (status === 412) assert.equal(answer.headers['tus-version'], '1.0.0');
      assert.deepEqual(unfinishedIn(fleet), []);
    });
  }

  test('with a body at its creation is refused', async () => {
    const headers = {
      'Upload-Length': '3',
      'Upload-Metadata': metadataOf(BODY),
      'Content-Type': 'application/offset+octet-stream',
    };
    assert.deepEqual(codeOf(await client.send('POST', '/v1/uploads', headers, Buffer.from('abc'))), [
      400,
      'tus-request-malformed',
    ]);
  });

  test('says what it serves, and nothing to a path that is none', async () => {
    const options = await client.send('OPTIONS', '/v1/uploads', { 'Tus-Resumable': '' });
    assert.equal(options.status, 204);
    assert.equal(options.headers['tus-version'], '1.0.0');
    assert.equal(options.headers['tus-extension'], 'creation,expiration,termination');
    assert.equal(options.headers['tus-max-size'], String(1024 ** 2));
    assert.equal(options.headers['access-control-allow-origin'], undefined);
    for (const path of [`/v1/uploads/${'0'.repeat(32)}`, '/v1/uploads/x', '/v1/uploads/idle.json', '/v1/uploads/']) {
      for (const method of ['HEAD', 'PATCH', 'DELETE']) {
        assert.deepEqual(codeOf(await client.send(method, path)), [404, 'upload-not-found'], `${method} ${path}`);
      }
    }
    assert.equal((await client.send('GET', '/v1/uploads')).status, 405);
  });

  test('holds to the rules of tus in each part, and keeps what it has', async () => {
    const path = await client.begin(BODY, { episode_id: 'rules' });
    const part = BODY.subarray(0, 1000);
    assert.equal((await client.patch(path, 0, part)).status, 204);
    const refusals: [headers: Record<string, string>, status: number, code: string][] = [
      [{ 'Upload-Offset': '0' }, 409, 'upload-offset-mismatch'],
      [{ 'Upload-Offset': '1001' }, 409, 'upload-offset-mismatch'],
      [{ 'Upload-Offset': '' }, 400, 'tus-request-malformed'],
      [{ 'Upload-Offset': '-1' }, 400, 'tus-request-malformed'],
      [{ 'Content-Type': '' }, 400, 'tus-request-malformed'],
      [{ 'Content-Type': 'application/zstd' }, 400, 'tus-request-malformed'],
      [{ 'Upload-Length': '5' }, 400, 'tus-request-malformed'],
      [{ 'Tus-Resumable': '' }, 412, 'tus-version-unsupported'],
      [{ 'Content-Encoding': 'gzip' }, 415, 'encoding-refused'],
      [{ 'Content-Range': 'bytes 0-9/10' }, 400, 'content-range-refused'],
    ];
    for (const [headers, status, code] of refusals) {
      assert.deepEqual(codeOf(await client.patch(path, 1000, part, headers)), [status, code], JSON.stringify(headers));
      assert.equal(await client.offset(path), 1000);
    }
    const tooLong = await client.patch(path, 1000, BODY);
    assert.deepEqual(codeOf(tooLong), [400, 'tus-request-malformed']);
    const chunked = await client.patch(path, 1000, BODY, { 'Content-Length': '', 'Transfer-Encoding': 'chunked' });
    assert.deepEqual(codeOf(chunked), [400, 'tus-request-malformed']);
    assert.ok((await client.offset(path)) < BODY.length, 'what is longer than it said is not stored');

    assert.equal((await client.send('DELETE', path)).status, 204);
    assert.deepEqual(codeOf(await client.send('HEAD', path)), [404, 'upload-not-found']);
    assert.deepEqual(unfinishedIn(fleet), []);
  });

  test('whose bytes are not those of its digest is refused at its end, and gone', async () => {
    const path = await client.begin(BODY, { episode_id: 'damaged', sha256: sha256('other') });
    const answer = await client.patch(path, 0, BODY);
    assert.deepEqual(codeOf(answer), [400, 'digest-mismatch']);
    assert.deepEqual(codeOf(await client.send('HEAD', path)), [404, 'upload-not-found']);
    assert.deepEqual(unfinishedIn(fleet), []);
    assert.deepEqual(namesIn(join(fleet.store, 'episodes/lab-1')).includes('damaged.tar.zst'), false);
  });

  test('a second creation of the same episode replaces the first', async () => {
    const first = await client.begin(BODY, { episode_id: 'twice' });
    await client.patch(first, 0, BODY.subarray(0, 5000));
    const second = await client.begin(BODY, { episode_id: 'twice' });
    assert.deepEqual(codeOf(await client.send('HEAD', first)), [404, 'upload-not-found']);
    assert.equal(await client.offset(second), 0);
    assert.equal((await client.patch(second, 0, BODY)).status, 204);
  });

  test('a host has so many and no more, and one that ended makes room', async () => {
    const paths = [
      await client.begin(BODY, { episode_id: 'many-1' }),
      await client.begin(BODY, { episode_id: 'many-2' }),
    ];
    const third = await client.create(BODY, { episode_id: 'many-3' });
    assert.deepEqual(codeOf(third), [429, 'too-many-uploads']);
    assert.match(String(third.headers['retry-after']), /^\d+$/);
    const elsewhere = await client.begin(BODY, { host_id: 'lab-2', episode_id: 'many-3' });
    await client.send('DELETE', paths[0] ?? '');
    const now = await client.begin(BODY, { episode_id: 'many-3' });
    for (const path of [elsewhere, now, paths[1] ?? '']) assert.equal((await client.send('DELETE', path)).status, 204);
  });

  test('a new connection takes a silent one’s upload over, and goes on from what had come', async () => {
    const path = await client.begin(BODY, { episode_id: 'takeover' });
    const dead = await client.stalledPatch(path, 0, BODY.subarray(0, 70_000), BODY.length);
    const closed = once(dead, 'close');
    // Until then it would be taken over from a connection that has brought nothing.
    await eventually(() => receivedBytes(fleet) > 0, 'what was sent has come');
    const offset = await client.offset(path);
    await closed;
    assert.ok(offset > 0 && offset <= 70_000, String(offset));
    assert.equal((await client.patch(path, offset, BODY.subarray(offset))).status, 204);
    assert.deepEqual(readFileSync(join(fleet.store, 'episodes/lab-1/takeover.tar.zst')), BODY);
    assert.match(receiver.stderr, /upload was cut off; what came of it is kept/);
  });

  test('and a PUT of the same episode: one is stored, the other is told so', async () => {
    const path = await client.begin(BODY, { episode_id: 'both' });
    await client.patch(path, 0, BODY.subarray(0, 250_000));
    const [last, whole] = await Promise.all([
      client.patch(path, 250_000, BODY.subarray(250_000)).then(
        ({ status }) => status,
        () => 'cut off: the PUT was quicker',
      ),
      put(fleet.port, '/v1/episodes/lab-1/both.tar.zst', BODY),
    ]);
    assert.ok(last === 204 || typeof last === 'string', `${last}`);
    assert.ok([200, 201].includes(whole.status), whole.text);
    assert.equal(await client.offset(path), BODY.length);
    assert.equal(readRows(fleet.store).filter(({ path: stored }) => stored.endsWith('/both.tar.zst')).length, 1);

    const other = await client.begin(BODY, { episode_id: 'lost-race' });
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/lost-race.tar.zst', noise(10))).status, 201);
    assert.deepEqual(codeOf(await client.patch(other, 0, BODY)), [404, 'upload-not-found']);
    assert.deepEqual(codeOf(await client.create(BODY, { episode_id: 'lost-race' })), [409, 'conflict']);
  });

  test('that somebody works on while a PUT of other content is stored hears of it with its last byte', async () => {
    const path = await client.begin(BODY, { episode_id: 'busy' });
    const socket = await client.stalledPatch(path, 0, BODY.subarray(0, 1000), BODY.length);
    const answered = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
    await eventually(async () => readFileSync(join(fleet.store, `${path.slice(4)}.body`)).length > 0, 'it has begun');
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/busy.tar.zst', noise(10))).status, 201);
    socket.write(BODY.subarray(1000));
    assert.match(await answered, /^HTTP\/1\.1 409 [\s\S]*"conflict"/);
    socket.destroy();
    assert.deepEqual(unfinishedIn(fleet), []);
  });

  test('that somebody works on while a PUT of the same content is stored is at its end, and takes no room', async () => {
    const path = await client.begin(BODY, { episode_id: 'same' });
    const socket = await client.stalledPatch(path, 0, BODY.subarray(0, 1000), BODY.length);
    const closed = once(socket, 'close');
    await eventually(async () => readFileSync(join(fleet.store, `${path.slice(4)}.body`)).length > 0, 'it has begun');
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/same.tar.zst', BODY)).status, 201);
    await closed;
    assert.equal(await client.offset(path), BODY.length);
    assert.deepEqual(unfinishedIn(fleet), []);
  });

  test('a part of no bytes at the end says that it is the end', async () => {
    const path = await client.begin(BODY, { episode_id: 'no-bytes' });
    await client.patch(path, 0, BODY);
    const { status, headers } = await client.patch(path, BODY.length, Buffer.alloc(0));
    assert.deepEqual([status, headers['upload-offset']], [204, String(BODY.length)]);
  });

  test('of what a PUT has stored meanwhile is at its end, and takes no room', async () => {
    const path = await client.begin(BODY, { episode_id: 'by-put' });
    await client.patch(path, 0, BODY.subarray(0, 1000));
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/by-put.tar.zst', BODY)).status, 201);
    assert.equal(await client.offset(path), BODY.length);
    assert.deepEqual(unfinishedIn(fleet), []);
  });

  test('a commit that is blocked meanwhile is refused with the last byte, and the upload is gone', async () => {
    const path = await client.begin(BODY, { episode_id: 'moved' });
    await client.patch(path, 0, BODY.subarray(0, 1000));
    const gate = async (...args: string[]) => {
      const { code } = await Program.cis490(['gate', ...args, '--config', fleet.receiverConfig]).ended;
      assert.equal(code, 0);
    };
    await gate('block', GOOD_COMMIT, '--why', 'made bad data');
    try {
      const answer = await client.patch(path, 1000, BODY.subarray(1000));
      assert.deepEqual(codeOf(answer), [412, 'commit-blocked']);
      assert.match(String(answer.json['remediation']), /git pull/);
      assert.deepEqual(unfinishedIn(fleet), []);
    } finally {
      await gate('unblock', GOOD_COMMIT);
    }
  });
});

/** Of all uploads under way. */
function receivedBytes(fleet: TestFleet): number {
  const bodies = unfinishedIn(fleet).filter((name) => name.endsWith('.body'));
  return bodies.reduce((sum, name) => sum + readFileSync(join(fleet.store, 'uploads', name)).length, 0);
}

test('an upload belongs to its host: every other credential is refused, and cannot take it over', async (t) => {
  const token = 'the-token-of-the-whole-fleet';
  const fleet = await TestFleet.create(temporaryDirectory(t), `[auth]\nfleet_token_sha256 = "${sha256(token)}"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const create = async (...options: string[]) => {
    const program = Program.cis490(['token', 'create', '--config', fleet.receiverConfig, ...options]);
    assert.equal((await program.ended).code, 0, program.stderr);
    return new TusClient(fleet.port, { Authorization: `Bearer ${program.stdout.trim()}` });
  };
  const one = await create('--role', 'host', '--host', 'lab-1');
  const others: [TusClient, number, string][] = [
    [new TusClient(fleet.port), 401, 'credential-missing'],
    [new TusClient(fleet.port, { Authorization: 'Bearer wrong' }), 401, 'credential-invalid'],
    [await create('--role', 'host', '--host', 'lab-2'), 403, 'forbidden'],
    [await create('--role', 'reader'), 403, 'forbidden'],
  ];
  for (const [other, status, code] of others) {
    assert.deepEqual(codeOf(await other.create(BODY)), [status, code]);
  }
  const path = await one.begin(BODY);
  await one.patch(path, 0, BODY.subarray(0, 1000));
  const stalled = await one.stalledPatch(path, 1000, BODY.subarray(1000, 2000), BODY.length - 1000);
  for (const [other, status, code] of others) {
    for (const method of ['HEAD', 'DELETE', 'PATCH']) {
      const answer =
        method === 'PATCH' ? await other.patch(path, 1000, BODY.subarray(1000)) : await other.send(method, path);
      assert.deepEqual(codeOf(answer), [status, code], method);
      assert.equal(answer.headers['upload-length'], undefined);
      assert.doesNotMatch(answer.text, /ep-1/);
    }
  }
  assert.equal(stalled.destroyed, false, 'nobody else has cut the owner off');
  stalled.destroy();
  const fleetWide = new TusClient(fleet.port, { Authorization: `Bearer ${token}` });
  const offset = await fleetWide.offset(path);
  assert.ok(offset >= 1000 && offset <= 2000);
  assert.equal((await fleetWide.patch(path, offset, BODY.subarray(offset))).status, 204);
  assert.equal(
    (await put(fleet.port, '/v1/episodes/lab-1/ep-1.tar.zst', BODY, { Authorization: `Bearer ${token}` })).status,
    200,
  );
});

test('attempts are counted for their host by what they came to', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const client = new TusClient(fleet.port);
  assert.equal((await client.create(BODY, { commit: '' })).status, 400);
  assert.equal((await client.create(BODY, {}, { 'Upload-Length': '' })).status, 400, 'of tus: no attempt');
  const path = await client.begin(BODY);
  assert.equal((await client.patch(path, 0, BODY.subarray(0, 10))).status, 204);
  assert.equal((await client.patch(path, 0, BODY.subarray(0, 10))).status, 409, 'of tus: no attempt');
  assert.equal((await client.patch(path, 10, BODY.subarray(10))).status, 204);
  assert.equal((await client.create(BODY)).status, 200);
  const { json } = await client.send('GET', '/v1/fleet/lab-1');
  assert.deepEqual(json['outcomes'], { 'commit-missing': 1, stored: 1, duplicate: 1 });
});
