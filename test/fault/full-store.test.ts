// A full disk under the store: every answer is 507 or a success that is true, nothing is torn, and it goes on when there is room again.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { put, send } from '../support/put.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KIB = 1024;

/** A store of its own on a tmpfs of `size`, with no reserve: the kernel's own refusals are met, not ours. */
async function onSmallDisk(t: TestContext, size: string) {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  const disk = SmallDisk.mount(t, store, size);
  if (!disk) return undefined;
  const fleet = await TestFleet.create(
    root,
    `[store]\nroot = "${store}"\nmin_free = "0 B"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`,
  );
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return { fleet, store, disk, receiver };
}

/** Every row has its file with its digest. */
function rowsAreTrue(store: string): string[] {
  const rows = readRows(store);
  for (const { path, sha256: digest } of rows) assert.equal(sha256(readFileSync(join(store, path))), digest, path);
  return rows.map(({ episode_id }) => episode_id);
}

test('episodes until the disk is full and beyond, then room again', async (t) => {
  const place = await onSmallDisk(t, '6m');
  if (!place) return;
  const { fleet, store, disk, receiver } = place;
  const bodies = new Map<string, Buffer>();
  const stored = new Set<string>();
  const statuses = new Set<number>();
  const targetOf = (id: string) => `/v1/episodes/lab-${id[0]}/${id}.tar.zst`;
  const putOne = async (id: string) => {
    const body = bodies.get(id) ?? Buffer.alloc(0);
    const answer = await put(fleet.port, targetOf(id), body);
    statuses.add(answer.status);
    if (answer.status === 201 || answer.status === 200) stored.add(id);
    else assert.ok(['disk-full', 'disk-reserve'].includes(String(answer.json['code'])), answer.text);
    return answer;
  };
  for (let index = 0; index < 40; index += 1) {
    // Two at a time, so that one may take the other's room.
    const pair = [`x${index}`, `y${index}`];
    for (const id of pair) bodies.set(id, randomBytes(index % 3 === 0 ? 700 * KIB : 100 * KIB));
    await Promise.all(pair.map(putOne));
  }
  assert.deepEqual([...statuses].sort(), [201, 507]);
  const rows = new Set(rowsAreTrue(store));
  assert.deepEqual(
    [...stored].filter((id) => !rows.has(id)),
    [],
    'nobody was told of what is not there',
  );

  disk.fillToTheLastByte();
  bodies.set('x-none', Buffer.from('small'));
  const none = await putOne('x-none');
  assert.equal(none.status, 507);
  assert.match(String(none.json['detail']), /no space|no room|full|free/i);
  assert.equal((await send(fleet.port, '/healthz')).status, 200);
  const health = await send(fleet.port, '/v1/host-health/lab-x', { method: 'PUT', body: '{"status":"red"}' });
  assert.ok([200, 507].includes(health.status), health.text);
  rowsAreTrue(store);

  disk.resize('64m');
  for (const id of bodies.keys()) {
    const answer = await putOne(id);
    assert.ok([200, 201].includes(answer.status), `${id}: ${answer.text}`);
  }
  assert.equal(receiver.child.exitCode, null, 'it never ended');
  assert.deepEqual(rowsAreTrue(store).sort(), [...bodies.keys()].sort(), 'each once');
  await receiver.stop();

  disk.shrinkToContent();
  const onFullDisk = fleet.spawnReceiver();
  t.after(() => onFullDisk.kill());
  assert.deepEqual(await onFullDisk.ended, { code: 1, signal: null }, onFullDisk.stderr);
  assert.match(onFullDisk.stderr, /^cis490: no room left while writing \S+\ncis490: make room: df -h \S+\n$/m);
  disk.resize('64m');
  assert.deepEqual(rowsAreTrue(store).sort(), [...bodies.keys()].sort(), 'as they were');
  const again = await fleet.startReceiver();
  await again.printed(/receiver is listening/);
  await again.stop();
  const files = namesIn(join(store, 'episodes')).flatMap((host) => namesIn(join(store, 'episodes', host)));
  assert.deepEqual(files.sort(), [...bodies.keys()].map((id) => `${id}.tar.zst`).sort());
  assert.deepEqual(namesIn(join(store, 'incoming')), []);
});
