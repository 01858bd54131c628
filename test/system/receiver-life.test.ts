// The receiver beside its verdicts: races for one id, a full store, its end, a second one, and what it finds at its start.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('many PUTs of one id at once: one is stored, the others hear of it', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (let round = 0; round < 10; round += 1) {
    const target = `/v1/episodes/lab-1/race-${round}.tar.zst`;
    const bodies = [randomBytes(40_000), randomBytes(40_000)];
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const body = bodies[index % 2] ?? '';
        return { answer: await put(fleet.port, target, body), digest: sha256(body) };
      }),
    );
    const stored = answers.filter(({ answer }) => answer.status === 201);
    assert.equal(stored.length, 1);
    const winner = stored[0]?.digest;
    for (const { answer, digest } of answers) {
      if (answer.status === 201) continue;
      assert.equal(answer.status, digest === winner ? 200 : 409);
      assert.equal(answer.json['sha256'] ?? answer.json['stored_sha256'], winner);
    }
    assert.equal(sha256(readFileSync(join(fleet.store, `episodes/lab-1/race-${round}.tar.zst`))), winner);
  }
  assert.deepEqual(
    readRows(fleet.store).map(({ seq }) => seq),
    Array.from({ length: 10 }, (_, index) => index + 1),
  );
  assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
});

test('507 when the store is down to its reserve, also for a body of unknown length', async (t) => {
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root, `[store]\nroot = "${root}/store"\nmin_free = "1000 TiB"\n`);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }] as Record<string, string>[]) {
    const answer = await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x', headers);
    assert.equal(answer.status, 507);
    assert.equal(answer.json['code'], 'disk-reserve');
  }
  assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
});

test('a body under way when it is told to stop is stored first', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const body = randomBytes(2 * 1024 * 1024);
  const upload = request({
    host: '127.0.0.1',
    port: fleet.port,
    method: 'PUT',
    path: '/v1/episodes/lab-1/late.tar.zst',
    headers: { 'X-Content-SHA256': sha256(body), 'X-Cis490-Code-Commit': GOOD_COMMIT, 'Content-Length': body.length },
  });
  upload.write(body.subarray(0, 1024 * 1024));
  const answered = once(upload, 'response');
  await eventually(() => namesIn(join(fleet.store, 'incoming')).length === 1, 'the body is under way');
  receiver.signal('SIGTERM');
  await receiver.printed(/receiver is stopping/);
  // What was in the listen queue at that moment is reset, what comes later is refused.
  const isRefused = () =>
    send(fleet.port, '/healthz').then(
      () => false,
      (error: unknown) => String(error).includes('ECONNREFUSED'),
    );
  await eventually(isRefused, 'new connections are refused');
  upload.end(body.subarray(1024 * 1024));
  const [response] = await answered;
  assert.equal(response.statusCode, 201);
  response.resume();
  assert.deepEqual(await receiver.ended, { code: 0, signal: null });
  assert.equal(readRows(fleet.store).length, 1);
});

test('a body that never ends does not keep it from stopping, and leaves nothing', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const upload = request({
    host: '127.0.0.1',
    port: fleet.port,
    method: 'PUT',
    path: '/v1/episodes/lab-1/endless.tar.zst',
    headers: { 'X-Content-SHA256': sha256('x'), 'X-Cis490-Code-Commit': GOOD_COMMIT, 'Content-Length': 10_000_000 },
  });
  const failed = once(upload, 'error');
  upload.on('error', () => undefined);
  upload.write(randomBytes(2_000_000));
  // The request has been seen once its first piece lies in incoming/.
  await eventually(() => namesIn(join(fleet.store, 'incoming')).length === 1, 'the body is under way');
  assert.deepEqual(await receiver.stop(), { code: 0, signal: null });
  await failed;
  assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
  assert.deepEqual(readRows(fleet.store), []);
});

test('a second receiver on one store says who is there, and harms nothing', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const second = Program.cis490(['receiver', '--config', fleet.receiverConfig]);
  assert.equal((await second.ended).code, 1);
  assert.match(second.stderr, /another receiver already works on .*store\n.*fuser/);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/e.tar.zst', 'x')).status, 201);
});

test('a torn ledger and a deleted or damaged state.db: it starts, says so, and knows every episode', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  for (const id of ['a', 'b', 'c'])
    assert.equal((await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id)).status, 201);
  await receiver.stop();
  const ledger = join(fleet.store, 'index.jsonl');
  const whole = readFileSync(ledger, 'utf8');

  const damages: [string, RegExp, () => void][] = [
    ['torn last line', /set a torn last line aside/, () => appendFileSync(ledger, '{"host_id":"lab-1","episo')],
    ['state.db deleted', /state\.db brought up to it lines=3/, () => removeState()],
    [
      'state.db is garbage',
      /state\.db is unusable; set aside/,
      () => {
        removeState();
        appendFileSync(join(fleet.store, 'state.db'), randomBytes(9000));
      },
    ],
  ];
  const removeState = () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(fleet.store, `state.db${suffix}`), { force: true });
  };
  for (const [name, log, damage] of damages) {
    damage();
    receiver = await fleet.startReceiver();
    for (const id of ['a', 'b', 'c']) {
      assert.equal(
        (await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, id)).status,
        200,
        `${name}: ${id} is known`,
      );
      assert.equal((await put(fleet.port, `/v1/episodes/lab-1/${id}.tar.zst`, 'other')).status, 409);
    }
    await receiver.printed(log);
    await receiver.stop();
    assert.equal(readFileSync(ledger, 'utf8'), whole, name);
  }
  const aside = readdirSync(fleet.store).filter((name) => name.startsWith('index.jsonl.torn'));
  assert.deepEqual(
    aside.map((name) => readFileSync(join(fleet.store, name), 'utf8')),
    ['{"host_id":"lab-1","episo'],
  );
});

test('a stored file that somebody deleted is taken again, under its old row', async (t) => {
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const target = '/v1/episodes/lab-1/e.tar.zst';
  assert.equal((await put(fleet.port, target, 'content')).status, 201);
  rmSync(join(fleet.store, 'episodes/lab-1/e.tar.zst'));
  assert.equal((await put(fleet.port, target, 'other')).status, 409);
  const again = await put(fleet.port, target, 'content');
  assert.equal(again.status, 200);
  assert.equal(again.json['seq'], 1);
  assert.equal(readFileSync(join(fleet.store, 'episodes/lab-1/e.tar.zst'), 'utf8'), 'content');
  assert.equal(readRows(fleet.store).length, 1);
});
