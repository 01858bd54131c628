import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { Upload } from '../../storage/uploads.ts';
import { Room } from '../ingest/room.ts';
import { expireUploads, keepExpiring } from './expire-uploads.ts';
import { UnfinishedUploads, type UploadLimits } from './unfinished-uploads.ts';

const LIMITS: UploadLimits = { expire_after_s: 100, per_host: 2, bytes_per_host: 1_000 };

/** Wall and monotonic time that step as they are told, each for itself. */
class SteppedClock implements Clock {
  wallMs = Date.parse('2026-05-01T12:00:00Z');
  nowMs = 0;
  wallTime(): string {
    return formatWallTime(Temporal.Instant.fromEpochMilliseconds(this.wallMs));
  }
  monotonicMs(): number {
    return this.nowMs;
  }
  async sleep(): Promise<void> {}
  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
    this.wallMs += seconds * 1000;
  }
}

const idOf = (n: number) => n.toString(16).padStart(32, '0');

function uploadOf(n: number, sizeBytes = 10, hostId = 'h1'): Upload {
  const key = { hostId, episodeId: `ep-${n}` };
  return { uploadId: idOf(n), key, sha256: 'a'.repeat(64), sizeBytes, metadata: {}, createdAtWall: 'now' };
}

async function open(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'cis490-uploads-'));
  const logger = pino({ level: 'silent' });
  const storage = await openStorage({ root, logger });
  t.after(async () => {
    await storage.close();
    rmSync(root, { recursive: true, force: true });
  });
  const clock = new SteppedClock();
  const room = new Room(async () => 1_000_000, 0);
  const unfinished = new UnfinishedUploads(clock, () => LIMITS);
  const add = async (n: number, sizeBytes?: number, hostId?: string) => {
    const upload = uploadOf(n, sizeBytes, hostId);
    await storage.uploads.create(upload);
    unfinished.add(upload, await room.reserve(upload.sizeBytes));
  };
  const names = () => readdirSync(join(root, 'uploads')).filter((name) => name.endsWith('.body'));
  return { uploads: storage.uploads, unfinished, clock, room, logger, add, names };
}

test('expires after the time in which nothing came, frees its room, and is remembered as expired', async (t) => {
  const lab = await open(t);
  await lab.add(1, 500);
  lab.clock.pass(99);
  await expireUploads(lab);
  assert.equal(lab.names().length, 1);
  assert.equal(lab.unfinished.hasExpired(idOf(1)), false);
  lab.clock.pass(1);
  assert.equal(lab.unfinished.hasExpired(idOf(1)), true, 'before anybody has looked');
  await expireUploads(lab);
  assert.deepEqual(lab.names(), []);
  assert.equal(lab.room.outstandingBytes, 0);
  assert.deepEqual(
    [lab.unfinished.find(idOf(1)), lab.unfinished.hasExpired(idOf(1)), lab.unfinished.hostOf(idOf(1))],
    [undefined, true, 'h1'],
  );
  assert.equal(lab.unfinished.hasExpired(idOf(2)), false);
});

for (const years of [-50, -1, 1, 50]) {
  test(`a wall clock that steps by ${years} years makes none older or younger`, async (t) => {
    const lab = await open(t);
    await lab.add(1);
    lab.clock.wallMs += years * 365 * 86_400_000;
    await expireUploads(lab);
    assert.equal(lab.names().length, 1);
    lab.clock.pass(100);
    await expireUploads(lab);
    assert.deepEqual(lab.names(), []);
  });
}

test('never while a request works on it; what came makes it young again, a request that brought nothing does not', async (t) => {
  const lab = await open(t);
  await lab.add(1);
  const end = lab.unfinished.begin(idOf(1));
  lab.clock.pass(1_000);
  await expireUploads(lab);
  assert.equal(lab.names().length, 1);
  end(true);
  lab.clock.pass(99);
  lab.unfinished.begin(idOf(1))(false);
  await expireUploads(lab);
  assert.equal(lab.names().length, 1);
  lab.clock.pass(1);
  await expireUploads(lab);
  assert.deepEqual(lab.names(), []);
});

test('a restart makes none young, keeps its room, and knows what has expired', async (t) => {
  const lab = await open(t);
  await lab.add(1, 600);
  await lab.add(2, 100);
  const part = await lab.uploads.append(uploadOf(1, 600));
  await part.write(Buffer.alloc(200));
  await part.end();
  lab.clock.pass(60);
  await keepExpiring(lab, AbortSignal.abort());
  lab.unfinished.drop(idOf(2), 'removed');

  const clock = new SteppedClock();
  const room = new Room(async () => 1_000_000, 0);
  const after = new UnfinishedUploads(clock, () => LIMITS);
  after.restore(await lab.uploads.recover(), await lab.uploads.readAges(), room);
  assert.equal(room.outstandingBytes, 400 + 100);
  clock.pass(39);
  await expireUploads({ ...lab, unfinished: after });
  assert.equal(after.sums().uploads, 2);
  clock.pass(1);
  await keepExpiring({ ...lab, unfinished: after, clock }, AbortSignal.abort());
  assert.equal(after.sums().uploads, 0);
  assert.equal(room.outstandingBytes, 0);

  const later = new UnfinishedUploads(clock, () => LIMITS);
  later.restore(await lab.uploads.recover(), await lab.uploads.readAges(), room);
  assert.equal(later.hasExpired(idOf(1)), true);
});

test('a host has so many, and so many bytes; one alone may be larger than that', async (t) => {
  const { unfinished, add } = await open(t);
  assert.equal(unfinished.hasPlaceFor('h1', 5_000), true);
  await add(1, 600);
  assert.equal(unfinished.hasPlaceFor('h1', 400), true);
  assert.equal(unfinished.hasPlaceFor('h1', 401), false);
  assert.equal(unfinished.hasPlaceFor('h2', 401), true);
  await add(2, 1);
  assert.equal(unfinished.hasPlaceFor('h1', 1), false);
});

test('when it expires is told in wall time, and moves with what comes', async (t) => {
  const { unfinished, clock, add } = await open(t);
  await add(1);
  assert.equal(unfinished.expiresAt(idOf(1)), 'Fri, 01 May 2026 12:01:40 GMT');
  clock.pass(10);
  unfinished.begin(idOf(1))(true);
  assert.equal(unfinished.expiresAt(idOf(1)), 'Fri, 01 May 2026 12:01:50 GMT');
  assert.equal(unfinished.expiresAt(idOf(2)), undefined);
});
