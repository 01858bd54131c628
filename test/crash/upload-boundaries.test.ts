// SIGKILL of the receiver after each step of a resumable upload, one by one, and at random offsets: nothing that was told is lost, the next
// start needs no hand, and the client goes on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ResumableStep } from '../../src/receiver/app.ts';
import { sha256 } from '../support/episodes.ts';
import { TestFleet } from '../support/fleet.ts';
import { namesIn, readRows } from '../support/nothing-lost.ts';
import { eventually, Program } from '../support/program.ts';
import { put } from '../support/put.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { noise, TusClient } from '../support/tus.ts';
import { seededRandom } from './seeded-random.ts';

type SharedStep = 'published' | 'directory-synced' | 'row-written' | 'row-synced' | 'view-updated';

// What the crash leaves under uploads/, and of the episode. `Record` makes the compiler ask for each step.
interface Left {
  declared: boolean;
  body: boolean;
  published: boolean;
  rows: number;
}
const OPENED: Left = { declared: false, body: true, published: false, rows: 0 };
const UNDER_WAY: Left = { declared: true, body: true, published: false, rows: 0 };
const PUBLISHED: Left = { declared: true, body: true, published: true, rows: 0 };
const WITH_ROW: Left = { declared: true, body: true, published: true, rows: 1 };
const FORGOTTEN: Left = { declared: false, body: true, published: true, rows: 1 };
const DONE: Left = { declared: false, body: false, published: true, rows: 1 };

const LEFT_AFTER: Record<ResumableStep | SharedStep, Left> = {
  'upload-opened': OPENED,
  'upload-declared': UNDER_WAY,
  'upload-answered': UNDER_WAY,
  'upload-written': UNDER_WAY,
  'upload-synced': UNDER_WAY,
  published: PUBLISHED,
  'directory-synced': PUBLISHED,
  'row-written': WITH_ROW,
  'row-synced': WITH_ROW,
  'view-updated': WITH_ROW,
  'upload-forgotten': FORGOTTEN,
  'upload-unlinked': DONE,
};

// Large enough to reach the disk in several pieces.
const BODY = noise(3 * 1024 * 1024);
const TARGET = '/v1/episodes/lab-1/ep-1.tar.zst';

async function startKilled(t: TestContext, fleet: TestFleet, step: string, nth: string): Promise<Program> {
  const script = join(import.meta.dirname, '../support/killed-receiver.main.ts');
  const receiver = Program.script(script, [fleet.receiverConfig, step, nth]);
  t.after(() => receiver.kill());
  await receiver.printed(/receiver is listening/);
  return receiver;
}

function leftIn(fleet: TestFleet): Left {
  const names = namesIn(join(fleet.store, 'uploads'));
  return {
    declared: names.some((name) => /^[0-9a-f]{32}\.json$/.test(name)),
    body: names.some((name) => name.endsWith('.body')),
    published: namesIn(join(fleet.store, 'episodes/lab-1')).length > 0,
    rows: readRows(fleet.store).length,
  };
}

/** From wherever it is to its end, as a client does that remembers `path`; resolves with the offset from which it went on. */
async function goOn(client: TusClient, path: string | undefined): Promise<number | 'anew'> {
  const head = path === undefined ? undefined : await client.send('HEAD', path);
  if (path !== undefined && head?.status === 200) {
    const offset = Number(head.headers['upload-offset']);
    if (offset < BODY.length) assert.equal((await client.patch(path, offset, BODY.subarray(offset))).status, 204);
    return offset;
  }
  if (head) assert.deepEqual([head.status, head.headers['x-cis490-problem']], [404, 'upload-not-found']);
  const created = await client.create(BODY);
  if (created.status === 200) return 'anew';
  assert.equal(created.status, 201, created.text);
  assert.equal((await client.patch(created.headers.location ?? '', 0, BODY)).status, 204);
  return 'anew';
}

async function checkStoredOnce(fleet: TestFleet): Promise<void> {
  const receipt = await put(fleet.port, TARGET, BODY);
  assert.deepEqual([receipt.status, receipt.json['status']], [200, 'duplicate'], receipt.text);
  assert.equal(readRows(fleet.store).length, 1);
  assert.equal(sha256(readFileSync(join(fleet.store, 'episodes/lab-1/ep-1.tar.zst'))), sha256(BODY));
  assert.deepEqual({ ...leftIn(fleet) }, DONE);
  assert.deepEqual(namesIn(join(fleet.store, 'incoming')), []);
}

for (const [step, left] of Object.entries(LEFT_AFTER)) {
  test(`receiver killed after ${step}`, async (t) => {
    const fleet = await TestFleet.create(temporaryDirectory(t));
    const receiver = await startKilled(t, fleet, step, '1');
    const client = new TusClient(fleet.port);
    let path: string | undefined;
    const first = async () => {
      path = await client.begin(BODY);
      await client.patch(path, 0, BODY);
    };
    await assert.rejects(first);
    assert.equal((await receiver.ended).signal, 'SIGKILL');
    assert.deepEqual(leftIn(fleet), left);

    const again = await fleet.startReceiver();
    t.after(() => again.kill());
    if (left.published) {
      // By the start alone: the sender may never come back.
      await eventually(() => readRows(fleet.store).length === 1 && !leftIn(fleet).body, 'the start has ended it');
    }
    const from = await goOn(client, path);
    if (left === UNDER_WAY && path !== undefined) assert.notEqual(from, 'anew', 'what had come is not sent again');
    await checkStoredOnce(fleet);
    const isRecovered = left.published && left.rows === 0;
    assert.equal(readRows(fleet.store)[0]?.gate === 'recovered', isRecovered);
    assert.equal((await again.stop()).code, 0);
  });
}

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

test('receiver killed at random offsets: what was told is there, and it goes on from there', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED);
  const fleet = await TestFleet.create(temporaryDirectory(t));
  const client = new TusClient(fleet.port);
  let receiver = await fleet.startReceiver();
  t.after(() => receiver.kill());
  const path = await client.begin(BODY);
  let toldBytes = 0;
  for (let kill = 0; kill < 8; kill += 1) {
    const before = await client.offset(path);
    assert.ok(before >= toldBytes, `${before} after ${toldBytes} were told`);
    const upTo = before + Math.floor(random() * Math.min(400_000, BODY.length - before - 1));
    assert.equal((await client.patch(path, before, BODY.subarray(before, upTo))).status, 204);
    toldBytes = upTo;
    // A part of it is under way, as far as it has come, when the kill comes.
    const more = BODY.subarray(upTo, upTo + Math.floor(random() * 300_000));
    const dead = await client.stalledPatch(path, upTo, more, BODY.length - upTo);
    assert.equal((await receiver.kill()).signal, 'SIGKILL');
    dead.destroy();
    receiver = await fleet.startReceiver();
  }
  const from = await goOn(client, path);
  assert.ok(typeof from === 'number' && from >= toldBytes);
  await checkStoredOnce(fleet);
});
