// A small disk under resumable uploads: what they have yet to bring is set aside through restarts, and a full disk costs nothing that came.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually } from '../support/program.ts';
import { put } from '../support/put.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { noise, TusClient } from '../support/tus.ts';

const MIB = 1024 ** 2;
const TARGET = '/v1/episodes/lab-1/whole.tar.zst';

async function open(t: TestContext, minFree: string) {
  const root = temporaryDirectory(t);
  const disk = SmallDisk.mount(t, join(root, 'store'), '40m');
  if (!disk) return undefined;
  const keys = `[store]\nroot = "${disk.path}"\nmin_free = "${minFree}"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`;
  const fleet = await TestFleet.create(root, keys);
  const receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  return { fleet, disk, receiver, client: new TusClient(fleet.port) };
}

test('an upload’s room is set aside from its creation to its end, also after a kill', async (t) => {
  const lab = await open(t, '1 MiB');
  if (!lab) return;
  const { fleet, client } = lab;
  const [large, other] = [noise(24 * MIB), noise(16 * MIB)];
  const path = await client.begin(large);
  await client.patch(path, 0, large.subarray(0, 4 * MIB));
  const refusedBoth = async (when: string) => {
    assert.equal((await put(fleet.port, TARGET, other)).json['code'], 'disk-reserve', when);
    const created = await client.create(other, { episode_id: 'other' });
    assert.deepEqual([created.status, created.json['code']], [507, 'disk-reserve'], when);
  };
  await refusedBoth('under way');
  await lab.receiver.kill();
  const again = await fleet.startReceiver();
  t.after(() => again.kill());
  await refusedBoth('after a kill');
  // The same episode anew: its own room is no reason to refuse it.
  const anew = await client.begin(large);
  await refusedBoth('begun anew');
  assert.equal((await client.send('DELETE', anew)).status, 204);
  assert.equal((await put(fleet.port, TARGET, other)).status, 201);
});

test('below the reserve a part is put off, and so is the end; what came is kept, and it goes on', async (t) => {
  const lab = await open(t, '4 MiB');
  if (!lab) return;
  const { fleet, client, disk } = lab;
  const body = noise(6 * MIB);
  const path = await client.begin(body);
  await client.patch(path, 0, body.subarray(0, MIB));
  disk.fillUpTo(2 * MIB);
  const refused = await client.patch(path, MIB, body.subarray(MIB));
  assert.deepEqual([refused.status, refused.json['code']], [507, 'disk-reserve']);
  assert.equal(await client.offset(path), MIB);
  rmSync(join(disk.path, 'filler'));
  assert.equal((await client.patch(path, MIB, body.subarray(MIB))).status, 204);
  assert.equal(readRows(fleet.store).length, 1);
});

test('a disk that is full in the middle of a part: 507, what fitted is kept in order, and it goes on when there is room', async (t) => {
  const lab = await open(t, '0 B');
  if (!lab) return;
  const { fleet, client, disk } = lab;
  const body = noise(6 * MIB);
  const path = await client.begin(body);
  const socket = await client.stalledPatch(path, 0, body.subarray(0, MIB), body.length);
  const uploads = join(fleet.store, 'uploads');
  const hasSome = () =>
    namesIn(uploads).some((name) => name.endsWith('.body') && statSync(join(uploads, name)).size > 0);
  await eventually(hasSome, 'the first bytes have come');
  disk.fillUpTo(MIB);
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString('latin1');
  });
  socket.write(body.subarray(MIB));
  await once(socket, 'close');
  assert.match(answer, /^HTTP\/1\.1 507 [\s\S]*"code":"disk-full"/);
  rmSync(join(disk.path, 'filler'));
  const offset = await client.offset(path);
  assert.ok(offset > 0 && offset < body.length, String(offset));
  assert.equal((await client.patch(path, offset, body.subarray(offset))).status, 204);
  assert.equal((await put(fleet.port, '/v1/episodes/lab-1/ep-1.tar.zst', body)).status, 200);
  assert.deepEqual(namesIn(join(fleet.store, 'uploads')), ['idle.json']);
});

test('where a second copy would not fit, what is stored has its receipt all the same, and a PUT is not refused for its own upload', async (t) => {
  const lab = await open(t, '1 MiB');
  if (!lab) return;
  const { fleet, client } = lab;
  const body = noise(22 * MIB);
  const idle = await client.begin(body);
  await client.patch(idle, 0, body.subarray(0, 2 * MIB));
  const whole = await put(fleet.port, '/v1/episodes/lab-1/ep-1.tar.zst', body);
  assert.equal(whole.status, 201, whole.text);
  assert.deepEqual(
    namesIn(join(fleet.store, 'uploads')).filter((name) => name !== 'idle.json'),
    [],
  );
  const receipt = await put(fleet.port, '/v1/episodes/lab-1/ep-1.tar.zst', body);
  assert.deepEqual([receipt.status, receipt.json['status']], [200, 'duplicate'], receipt.text);
  assert.equal((await client.create(body)).status, 200);
  assert.equal((await put(fleet.port, TARGET, body)).json['code'], 'disk-reserve');
});
