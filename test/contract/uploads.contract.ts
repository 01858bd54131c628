// What every Uploads does, whatever is behind it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import type { Upload, UploadLock, Uploads } from '../../src/storage/uploads.ts';

export type OpenUploads = (
  t: TestContext,
) => Promise<{ uploads: Uploads; blobs: Pick<BlobStore, 'read' | 'stat'>; reopen: () => Promise<Uploads> }>;

const KEY = { hostId: 'h1', episodeId: 'e1' };
const BODY = Buffer.from('the bytes of an episode');
const UPLOAD: Upload = {
  uploadId: '0123456789abcdef0123456789abcdef',
  key: KEY,
  sha256: createHash('sha256').update(BODY).digest('hex'),
  sizeBytes: BODY.length,
  metadata: { host_id: 'h1', flag: null },
  createdAtWall: '2026-05-01T06:37:53.830599+00:00',
};

async function append(uploads: Uploads, ...chunks: Uint8Array[]): Promise<void> {
  const part = await uploads.append(UPLOAD);
  for (const chunk of chunks) await part.write(Buffer.from(chunk));
  await part.end();
}

export function describeUploads(name: string, open: OpenUploads): void {
  describe(`Uploads on ${name}`, () => {
    test('a free upload is locked at once, again after its release, and uploads do not stand in each other’s way', async (t) => {
      const { uploads } = await open(t);
      const first = await uploads.lock('u1', mustNotBeAsked);
      const other = await uploads.lock('u2', mustNotBeAsked);
      first.release();
      (await uploads.lock('u1', mustNotBeAsked)).release();
      other.release();
    });

    test('a later caller asks the holder to let go, and has the lock only after its release', async (t) => {
      const { uploads } = await open(t);
      const order: string[] = [];
      const first = await uploads.lock('u1', () => order.push('first asked'));
      const second = uploads.lock('u1', mustNotBeAsked).then((lock) => {
        order.push('second has it');
        return lock;
      });
      await settled();
      assert.deepEqual(order, ['first asked']);
      order.push('first releases');
      first.release();
      (await second).release();
      assert.deepEqual(order, ['first asked', 'first releases', 'second has it']);
    });

    test('a holder that lets go as soon as it is asked makes way at once', async (t) => {
      const { uploads } = await open(t);
      const first: UploadLock = await uploads.lock('u1', () => first.release());
      const second = await uploads.lock('u1', mustNotBeAsked);
      second.release();
    });

    test('several who wait: one at a time, in their order, each asked once when somebody waits behind it', async (t) => {
      const { uploads } = await open(t);
      const names = ['a', 'b', 'c', 'd'];
      const asked: string[] = [];
      const had: string[] = [];
      let holders = 0;
      await Promise.all(
        names.map(async (name) => {
          const lock = await uploads.lock('u1', () => asked.push(name));
          had.push(name);
          holders += 1;
          assert.equal(holders, 1, 'two have the upload at once');
          await settled();
          holders -= 1;
          lock.release();
        }),
      );
      assert.deepEqual(had, names);
      assert.deepEqual(asked, ['a', 'b', 'c']);
    });

    test('what is appended is there in its order, part after part, also after it was opened again', async (t) => {
      const { uploads, reopen } = await open(t);
      assert.equal(await uploads.offsetOf(UPLOAD.uploadId), undefined);
      await uploads.create(UPLOAD);
      assert.equal(await uploads.offsetOf(UPLOAD.uploadId), 0);
      await append(uploads, BODY.subarray(0, 4), BODY.subarray(4, 5));
      await append(uploads);
      assert.equal(await uploads.offsetOf(UPLOAD.uploadId), 5);
      const again = await reopen();
      assert.deepEqual(await again.recover(), {
        uploads: [{ upload: UPLOAD, offsetBytes: 5 }],
        unfinished: [],
        removed: { files: 0, sizeBytes: 0 },
      });
      await append(again, BODY.subarray(5));
      assert.equal((await again.whole(UPLOAD).commit()).kind, 'created');
    });

    test('whole, it is published as a blob, and finished it is gone', async (t) => {
      const { uploads, blobs } = await open(t);
      await uploads.create(UPLOAD);
      await append(uploads, BODY);
      const body = uploads.whole(UPLOAD);
      assert.deepEqual(await body.commit(), { kind: 'created' });
      assert.deepEqual(Buffer.concat(await (await blobs.read(KEY)).toArray()), BODY);
      assert.equal((await uploads.whole(UPLOAD).commit()).kind, 'exists', 'never over another');
      await body.finish();
      assert.equal(await uploads.offsetOf(UPLOAD.uploadId), undefined);
      assert.equal((await blobs.stat(KEY))?.sizeBytes, BODY.length);
      assert.deepEqual((await uploads.recover()).uploads, []);
    });

    for (const [what, bytes] of [
      ['too few bytes', BODY.subarray(1)],
      ['other bytes', Buffer.from(BODY).fill('x')],
    ] as const) {
      test(`${what} are not published`, async (t) => {
        const { uploads, blobs } = await open(t);
        await uploads.create(UPLOAD);
        await append(uploads, bytes);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const mismatch = { kind: 'mismatch', sha256, sizeBytes: bytes.length };
        assert.deepEqual(await uploads.whole(UPLOAD).commit(), mismatch);
        assert.equal(await blobs.stat(KEY), undefined);
      });
    }

    test('published and not finished, it is told after a crash, and not gone on with', async (t) => {
      const { uploads, blobs, reopen } = await open(t);
      await uploads.create(UPLOAD);
      await append(uploads, BODY);
      await uploads.whole(UPLOAD).commit();
      const again = await reopen();
      const { uploads: underWay, unfinished } = await again.recover();
      assert.deepEqual(underWay, []);
      assert.deepEqual(
        unfinished.map(({ key }) => key),
        [KEY],
      );
      await unfinished[0]?.finish();
      assert.deepEqual((await again.recover()).unfinished, []);
      assert.equal((await blobs.stat(KEY))?.sizeBytes, BODY.length);
    });

    test('removed, nothing is left of it; a second removal is nothing', async (t) => {
      const { uploads } = await open(t);
      await uploads.create(UPLOAD);
      await append(uploads, BODY.subarray(0, 3));
      await uploads.remove(UPLOAD.uploadId);
      await uploads.remove(UPLOAD.uploadId);
      assert.equal(await uploads.offsetOf(UPLOAD.uploadId), undefined);
      assert.deepEqual(await uploads.recover(), { uploads: [], unfinished: [], removed: { files: 0, sizeBytes: 0 } });
    });

    test('ages are read as they were written', async (t) => {
      const { uploads, reopen } = await open(t);
      assert.equal(await uploads.readAges(), undefined);
      const ages = { idleS: { [UPLOAD.uploadId]: 12.5 }, expired: [{ uploadId: 'u2', hostId: 'h1' }] };
      await uploads.writeAges(ages);
      assert.deepEqual(await (await reopen()).readAges(), ages);
    });

    test('a second release is nothing, even when another has the lock by then', async (t) => {
      const { uploads } = await open(t);
      const first = await uploads.lock('u1', () => undefined);
      const waiting = uploads.lock('u1', () => undefined);
      first.release();
      const second = await waiting;
      first.release();
      let thirdHasIt = false;
      const third = uploads.lock('u1', mustNotBeAsked).then((lock) => {
        thirdHasIt = true;
        return lock;
      });
      await settled();
      assert.equal(thirdHasIt, false);
      second.release();
      (await third).release();
    });
  });
}

function mustNotBeAsked(): void {
  throw new Error('nobody waits behind this one');
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
}
