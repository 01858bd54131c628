// A full disk under the store: every answer is 507 or a success that is true, nothing is torn, and it goes on when there is room again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '../support/episodes.ts';
import { GOOD_COMMIT, TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually } from '../support/program.ts';
import { put, send } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const KIB = 1024;

/** A store of its own on a tmpfs of `size`, with no reserve: the kernel's own refusals are met, not ours. */
async function onSmallDisk(t: TestContext, size: string) {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  mkdirSync(store);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', store], { stdio: 'pipe' });
  } catch (error) {
    if (process.env['CI'] && process.getuid?.() === 0) throw error;
    t.skip('mounting is not permitted here; run as root: sudo npm test');
    return undefined;
  }
  const fleet = await TestFleet.create(
    root,
    `[store]\nroot = "${store}"\nmin_free = "0 B"\n[version_gate]\ncommits = ["${GOOD_COMMIT}"]\n`,
  );
  const receiver = await fleet.startReceiver();
  t.after(async () => {
    await receiver.kill();
    execFileSync('umount', ['--lazy', store]);
  });
  return { fleet, store, receiver };
}

/** Every row has its file with its digest, and every file its row; nothing else is left lying. */
function isWhole(store: string): string[] {
  const rows = readRows(store);
  for (const { path, sha256: digest } of rows) assert.equal(sha256(readFileSync(join(store, path))), digest, path);
  const files = namesIn(join(store, 'episodes')).flatMap((host) =>
    namesIn(join(store, 'episodes', host)).map((name) => `episodes/${host}/${name}`),
  );
  assert.deepEqual(files.sort(), rows.map(({ path }) => path).sort());
  assert.deepEqual(namesIn(join(store, 'incoming')), []);
  return rows.map(({ episode_id }) => episode_id);
}

test('episodes until the disk is full and beyond, then room again', async (t) => {
  const place = await onSmallDisk(t, '6m');
  if (!place) return;
  const { fleet, store, receiver } = place;
  const stored = new Map<string, Buffer>();
  const statuses = new Set<number>();
  for (let index = 0; index < 40; index += 1) {
    // Two at a time, so that one may take the other's room.
    await Promise.all(
      ['x', 'y'].map(async (half) => {
        const id = `${half}${index}`;
        const body = randomBytes(index % 3 === 0 ? 700 * KIB : 100 * KIB);
        const answer = await put(fleet.port, `/v1/episodes/lab-${half}/${id}.tar.zst`, body);
        statuses.add(answer.status);
        if (answer.status === 201) stored.set(id, body);
        else assert.ok(['disk-full', 'disk-reserve'].includes(String(answer.json['code'])), answer.text);
      }),
    );
  }
  assert.deepEqual([...statuses].sort(), [201, 507]);
  assert.ok(statfsSync(store).bavail * statfsSync(store).bsize < 700 * KIB, 'the disk is as good as full');
  assert.deepEqual(isWhole(store).sort(), [...stored.keys()].sort());

  writeFileSync(join(store, 'filler'), '');
  try {
    for (let size = 256 * KIB; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(join(store, 'filler'), Buffer.alloc(size), { flag: 'a' });
      } catch {
        // Full for this size: on with smaller ones.
      }
    }
    const none = await put(fleet.port, '/v1/episodes/lab-x/none.tar.zst', 'small');
    assert.equal(none.status, 507);
    assert.match(String(none.json['detail']), /No space|no room|full|free/i);
    assert.equal((await send(fleet.port, '/healthz')).status, 200);
    const health = await send(fleet.port, '/v1/host-health/lab-x', { method: 'PUT', body: '{"status":"red"}' });
    assert.ok([200, 507].includes(health.status), health.text);
    const [someId = '', someBody = Buffer.alloc(0)] = [...stored][0] ?? [];
    const duplicate = await put(fleet.port, `/v1/episodes/lab-${someId[0]}/${someId}.tar.zst`, someBody);
    assert.ok([200, 507].includes(duplicate.status), duplicate.text);
  } finally {
    rmSync(join(store, 'filler'));
  }
  isWhole(store);
  await eventually(
    async () => (await put(fleet.port, '/v1/episodes/lab-x/after.tar.zst', 'after')).status < 300,
    'it stores again when there is room',
  );
  assert.ok(isWhole(store).includes('after'));
  assert.equal(receiver.child.exitCode, null, 'it never ended');
});
