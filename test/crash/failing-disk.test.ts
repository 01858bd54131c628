// Single system calls of the real receiver fail: a failed fsync ends it, a full disk under the ledger is 507 and cut back.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishEpisode } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { checkNothingLost, namesIn, readRows } from '../support/nothing-lost.ts';
import { put } from '../support/put.ts';
import { hasSystemPart } from '../support/system-part.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { endTraced, readTrace, startTraced } from '../support/traced-program.ts';
import { noise, TusClient } from '../support/tus.ts';

const TARGET = '/v1/episodes/lab-1/ep.tar.zst';

const failures: [name: string, call: string, path: (store: string) => string][] = [
  ['the row', 'fdatasync', (store) => join(store, 'index.jsonl')],
  ['the directory', 'fsync', (store) => join(store, 'episodes/lab-1')],
];
for (const [name, call, path] of failures) {
  test(`a failed fsync of ${name}: those who wait get 503, the process ends, and nothing is lost`, async (t) => {
    if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
    const root = temporaryDirectory(t);
    const fleet = await TestFleet.create(root);
    const host = fleet.addHost('lab-1');
    const manifest = publishEpisode(host.data, 'lab-1', { episodeId: 'ep', commit: GOOD_COMMIT, files: { a: '1' } });
    const published = [{ host, episodeId: 'ep', manifest }];
    // The host's directory must be there for strace to know it.
    const before = await fleet.startReceiver();
    assert.equal((await put(fleet.port, '/v1/episodes/lab-1/before.tar.zst', 'x')).status, 201);
    await before.stop();

    const injection = ['-P', path(fleet.store), '-e', `inject=${call}:error=EIO:when=1`];
    const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], join(root, 'trace'), injection);
    t.after(() => endTraced(receiver, 'SIGKILL'));
    await receiver.printed(/receiver is listening/);
    const pass = await fleet.shipOnce(host);
    assert.equal(pass.code, 1);
    assert.match(pass.log, /episode not shipped yet.*code=sync-failed status=503/);
    assert.deepEqual(await receiver.ended, { code: 1, signal: null });
    assert.match(receiver.stderr, /ERROR the receiver cannot go on and stops .*cure="look for disk errors/);
    // Tried again it would have succeeded, as the kernel's does: nobody may try.
    assert.equal(readTrace(join(root, 'trace')).filter(({ name: called }) => called === call).length, 1);
    assert.deepEqual((await checkNothingLost(fleet.store, published)).faults, []);

    const again = await fleet.startReceiver();
    t.after(() => again.kill());
    assert.equal((await fleet.shipOnce(host)).code, 0);
    await again.stop();
    assert.deepEqual(await checkNothingLost(fleet.store, published, true), { faults: [], stored: 2 });
    assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
  });
}

test('a failed fsync of an upload: the process ends, and nobody goes on from what the disk may have lost', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const client = new TusClient(fleet.port);
  const body = noise(1000);
  for (const sentBefore of [0, 600]) {
    // Its file must be there for strace to know it.
    const before = await fleet.startReceiver();
    const path = await client.begin(body);
    if (sentBefore > 0) assert.equal((await client.patch(path, 0, body.subarray(0, sentBefore))).status, 204);
    await before.stop();
    const injection = ['-P', join(fleet.store, `${path.slice(4)}.body`), '-e', 'inject=fsync:error=EIO:when=1'];
    const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], join(root, 'trace'), injection);
    t.after(() => endTraced(receiver, 'SIGKILL'));
    await receiver.printed(/receiver is listening/);
    const answer = await client.patch(path, sentBefore, body.subarray(sentBefore));
    assert.deepEqual([answer.status, answer.json['code']], [503, 'sync-failed']);
    assert.deepEqual(await receiver.ended, { code: 1, signal: null });
    const again = await fleet.startReceiver();
    const { status, headers } = await client.send('HEAD', path);
    assert.deepEqual([status, headers['x-cis490-problem']], [404, 'upload-not-found']);
    await again.stop();
    assert.deepEqual(
      namesIn(join(fleet.store, 'uploads')).filter((name) => name !== 'idle.json'),
      [],
    );
    assert.deepEqual(readRows(fleet.store), []);
  }
});

test('no room for the row: 507, the ledger keeps its durable end, and the receiver goes on', async (t) => {
  if (!hasSystemPart(t, ['strace', '-V'], 'strace')) return;
  const root = temporaryDirectory(t);
  const fleet = await TestFleet.create(root);
  const injection = ['-P', join(fleet.store, 'index.jsonl'), '-e', 'inject=pwrite64:error=ENOSPC:when=2'];
  const receiver = startTraced(['receiver', '--config', fleet.receiverConfig], join(root, 'trace'), injection);
  t.after(() => endTraced(receiver, 'SIGKILL'));
  await receiver.printed(/receiver is listening/);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/first.tar.zst', 'x')).status, 201);
  const full = await put(fleet.port, TARGET, 'y');
  assert.equal(full.status, 507, full.text);
  assert.equal(full.json['code'], 'disk-full');
  assert.equal(readRows(fleet.store).length, 1);
  const durableBytes = statSync(join(fleet.store, 'index.jsonl')).size;
  // The file is published already: sent again, it is hashed anew and gets its row before anybody is answered.
  const again = await put(fleet.port, TARGET, 'y');
  assert.equal(again.status, 200, again.text);
  assert.equal(readRows(fleet.store)[1]?.gate, 'recovered');
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/next.tar.zst', 'z')).status, 201);
  assert.equal(await endTraced(receiver, 'SIGTERM'), 0);
  const cuts = readTrace(join(root, 'trace')).filter(({ name }) => name === 'ftruncate');
  assert.deepEqual(
    cuts.map(({ args }) => args.replace(/^\d+<.*>, /, '')),
    [String(durableBytes)],
  );
  assert.deepEqual(
    readRows(fleet.store).map(({ seq }) => seq),
    [1, 2, 3],
  );
});
