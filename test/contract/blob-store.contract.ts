// What every BlobStore does, whatever is behind it.

import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import type { BlobKey, BlobStore, BlobWrite, CommitOutcome } from '../../src/storage/blob-store.ts';

export interface BlobStoreUnderTest {
  blobs: BlobStore;
  /** As after a crash: what was under way stays as it is, and another store is opened on the same data. */
  reopen(): Promise<BlobStore>;
  /** How many bodies under way the backend still holds. */
  heldBodies(): Promise<number>;
}

export type OpenBlobStore = (t: TestContext) => Promise<BlobStoreUnderTest>;

const KEY: BlobKey = { hostId: 'host-1', episodeId: 'episode-1' };
const MIB = 1024 * 1024;

export function describeBlobStore(name: string, open: OpenBlobStore): void {
  describe(`BlobStore on ${name}`, () => {
    for (const [what, sizes] of Object.entries(CHUNKINGS)) {
      test(`${what}: created, and read with the same bytes`, async (t) => {
        const { blobs } = await open(t);
        const content = madeUpBytes(sizes.reduce((sum, size) => sum + size, 0));
        const write = await beginFor(blobs, KEY, content);
        let offset = 0;
        for (const size of sizes) {
          await write.write(Buffer.from(content.subarray(offset, offset + size)));
          offset += size;
        }
        assert.deepEqual(await write.commit(), { kind: 'created' });
        assert.equal((await blobs.stat(KEY))?.sizeBytes, content.byteLength);
        assert.ok(content.equals(await buffer(await blobs.read(KEY))), 'other bytes were read than were written');
      });
    }

    test('the declared size is optional', async (t) => {
      const { blobs } = await open(t);
      const content = Buffer.from('of unknown length');
      const write = await blobs.begin({ key: KEY, sha256: sha256Of(content) });
      await write.write(Buffer.from(content));
      assert.deepEqual(await write.commit(), { kind: 'created' });
    });

    test('exists: the first content stays, whatever comes after it', async (t) => {
      const { blobs, heldBodies } = await open(t);
      const first = await put(blobs, KEY, Buffer.from('first'));
      await first.write.finish();
      for (const content of ['first', 'second']) {
        const { outcome } = await put(blobs, KEY, Buffer.from(content));
        assert.deepEqual(outcome, { kind: 'exists' });
        assert.equal(await textOf(blobs, KEY), 'first');
      }
      assert.equal(await heldBodies(), 0);
    });

    test('of commits of one key at once exactly one creates, and its content is what is read', async (t) => {
      const { blobs } = await open(t);
      const contents = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
      const writes = await Promise.all(
        contents.map(async (text) => {
          const write = await beginFor(blobs, KEY, Buffer.from(text));
          await write.write(Buffer.from(text));
          return write;
        }),
      );
      const outcomes = await Promise.all(writes.map((write) => write.commit()));
      const created = contents.filter((_, index) => outcomes[index]?.kind === 'created');
      assert.equal(created.length, 1);
      assert.equal(outcomes.filter(({ kind }) => kind === 'exists').length, contents.length - 1);
      assert.equal(await textOf(blobs, KEY), created[0]);
    });

    test('commits of many keys at once, of new hosts too, all create', async (t) => {
      const { blobs } = await open(t);
      const keys = Array.from({ length: 40 }, (_, index) => ({
        hostId: `host-${index % 5}`,
        episodeId: `episode-${index}`,
      }));
      await Promise.all(
        keys.map(async (key) => assert.equal((await put(blobs, key, keyContent(key))).outcome.kind, 'created')),
      );
      for (const key of keys) assert.equal(await textOf(blobs, key), keyContent(key).toString());
    });

    test('mismatch: what arrived is told, nothing is published, nothing is held', async (t) => {
      const { blobs, heldBodies } = await open(t);
      const content = madeUpBytes(MIB);
      const found = { kind: 'mismatch', sha256: sha256Of(content), sizeBytes: MIB };
      const declarations = [
        { sha256: '0'.repeat(64) },
        { sha256: '0'.repeat(64), sizeBytes: MIB },
        { sha256: sha256Of(content), sizeBytes: MIB - 1 },
        { sha256: sha256Of(content), sizeBytes: MIB + 1 },
      ];
      for (const declared of declarations) {
        const write = await blobs.begin({ key: KEY, ...declared });
        await write.write(Buffer.from(content));
        assert.deepEqual(await write.commit(), found);
        await write.abort();
        assert.equal(await blobs.stat(KEY), undefined);
        assert.equal(await heldBodies(), 0);
      }
    });

    test('abort leaves nothing, before the first byte or after many, once or twice; then the key can begin again', async (t) => {
      const { blobs, heldBodies } = await open(t);
      for (const sizeBytes of [0, 1, 3 * MIB]) {
        const write = await blobs.begin({ key: KEY, sha256: '0'.repeat(64) });
        await write.write(madeUpBytes(sizeBytes));
        await write.abort();
        await write.abort();
        assert.equal(await heldBodies(), 0);
        assert.equal(await blobs.stat(KEY), undefined);
      }
      assert.deepEqual((await put(blobs, KEY, Buffer.from('again'))).outcome, { kind: 'created' });
      assert.equal(await textOf(blobs, KEY), 'again');
    });

    test('a blob that is not there: stat knows none, read throws blob-missing', async (t) => {
      const { blobs } = await open(t);
      await put(blobs, KEY, Buffer.from('x'));
      for (const key of [
        { ...KEY, episodeId: 'other' },
        { ...KEY, hostId: 'other' },
      ]) {
        assert.equal(await blobs.stat(key), undefined);
        await assert.rejects(blobs.read(key), { code: 'blob-missing' });
      }
    });

    test('stat tells since when the content is there', async (t) => {
      const { blobs } = await open(t);
      const before = Date.now();
      await put(blobs, KEY, Buffer.from('x'));
      const storedAtWall = (await blobs.stat(KEY))?.storedAtWall ?? '';
      assert.match(storedAtWall, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
      // A filesystem's clock may be a tick behind, and coarse.
      assert.ok(Math.abs(Date.parse(storedAtWall) - before) < 60_000);
    });

    for (const [what, start, end] of [
      ['the first byte', 0, 0],
      ['the last byte', 3 * MIB, 3 * MIB],
      ['all of it', 0, 3 * MIB],
      ['a part that no buffer fits', 65_537, 2 * MIB + 1],
    ] as const) {
      test(`read of a range: ${what}`, async (t) => {
        const { blobs } = await open(t);
        const content = madeUpBytes(3 * MIB + 1);
        await put(blobs, KEY, content);
        const read = await buffer(await blobs.read(KEY, { start, end }));
        assert.ok(content.subarray(start, end + 1).equals(read), `${read.byteLength} other bytes`);
      });
    }

    test('removed: gone for stat, read and list, for good; others stay, and the key can begin again', async (t) => {
      const { blobs, reopen } = await open(t);
      const other = { ...KEY, episodeId: 'other' };
      for (const key of [KEY, other]) await (await put(blobs, key, keyContent(key))).write.finish();
      await blobs.remove(KEY);
      for (const opened of [async () => blobs, reopen]) {
        const store = await opened();
        assert.equal(await store.stat(KEY), undefined);
        await assert.rejects(store.read(KEY), { code: 'blob-missing' });
        assert.deepEqual(await Array.fromAsync(store.list()), [{ kind: 'blob', key: other }]);
        assert.equal(await textOf(store, other), keyContent(other).toString());
      }
      const again = await reopen();
      assert.deepEqual((await put(again, KEY, Buffer.from('again'))).outcome, { kind: 'created' });
      assert.equal(await textOf(again, KEY), 'again');
    });

    test('removing what is not there is nothing: of a known host, of an unknown one, twice at once', async (t) => {
      const { blobs } = await open(t);
      await put(blobs, KEY, Buffer.from('x'));
      await blobs.remove({ ...KEY, episodeId: 'other' });
      await blobs.remove({ ...KEY, hostId: 'other' });
      assert.equal(await textOf(blobs, KEY), 'x');
      await Promise.all([blobs.remove(KEY), blobs.remove(KEY)]);
      assert.equal(await blobs.stat(KEY), undefined);
    });

    test('a reader goes on reading what is removed meanwhile', async (t) => {
      const { blobs } = await open(t);
      const content = madeUpBytes(3 * MIB);
      await put(blobs, KEY, content);
      const reading = await blobs.read(KEY);
      await blobs.remove(KEY);
      assert.ok(content.equals(await buffer(reading)));
    });

    test('list: every published blob by host and then by episode, and nothing that is under way', async (t) => {
      const { blobs, reopen } = await open(t);
      assert.deepEqual(await Array.fromAsync(blobs.list()), []);
      const inOrder = ['A', 'a', 'a-b', 'a.b', 'b'].flatMap((hostId) =>
        ['A', 'a', 'a-b', 'a.b', 'a.tar.zst', 'b'].map((episodeId) => ({ hostId, episodeId })),
      );
      for (const key of inOrder.toReversed()) await put(blobs, key, keyContent(key));
      const underWay = await beginFor(blobs, { hostId: 'a', episodeId: 'underway' }, madeUpBytes(MIB));
      await underWay.write(madeUpBytes(MIB));
      for (const opened of [async () => blobs, reopen]) {
        const store = await opened();
        assert.deepEqual(
          await Array.fromAsync(store.list()),
          inOrder.map((key) => ({ kind: 'blob', key })),
        );
      }
      await underWay.abort();
    });

    test('two keys never have one path in their rows', async (t) => {
      const { blobs } = await open(t);
      const keys = ['a', 'a.b', 'b', 'A', 'a_b', 'a-b'].flatMap((hostId) =>
        ['a', 'b', 'b.c', 'c'].map((episodeId) => ({ hostId, episodeId })),
      );
      assert.equal(new Set(keys.map((key) => blobs.pathInRow(key))).size, keys.length);
    });

    test('there is room', async (t) => {
      const { blobs } = await open(t);
      assert.ok((await blobs.freeBytes()) > 0);
    });

    describeRecovery(open);
  });
}

function describeRecovery(open: OpenBlobStore): void {
  test('recover drops what was never published, and the key can begin again', async (t) => {
    const { blobs, reopen, heldBodies } = await open(t);
    const abandoned = await blobs.begin({ key: KEY, sha256: '0'.repeat(64) });
    // So much that no backend still has all of it in memory.
    for (let written = 0; written < 4; written += 1) await abandoned.write(madeUpBytes(MIB));
    const held = await heldBodies();
    const again = await reopen();
    assert.deepEqual((await again.recover()).unfinished, []);
    assert.ok(held > 0, 'the body was never held, so that nothing could be dropped');
    assert.equal(await heldBodies(), 0);
    assert.equal(await again.stat(KEY), undefined);
    assert.equal((await put(again, KEY, Buffer.from('again'))).outcome.kind, 'created');
    await abandoned.abort();
    assert.equal(await textOf(again, KEY), 'again');
  });

  test('recover tells what was published and not finished, at each start until it is; then it is forgotten', async (t) => {
    const { blobs, reopen, heldBodies } = await open(t);
    const finished = await put(blobs, { ...KEY, episodeId: 'finished' }, Buffer.from('x'));
    await finished.write.finish();
    const unfinished = await put(blobs, KEY, Buffer.from('published'));
    // What a request does at its end, whatever became of it: the publishing must stay known.
    await unfinished.write.abort();

    const second = await reopen();
    assert.deepEqual(
      (await second.recover()).unfinished.map(({ key }) => key),
      [KEY],
    );
    const third = await reopen();
    const [found, ...more] = (await third.recover()).unfinished;
    assert.deepEqual([found?.key, more.length], [KEY, 0]);
    assert.equal(await textOf(third, KEY), 'published');
    await found?.finish();
    assert.equal(await heldBodies(), 0);

    const fourth = await reopen();
    assert.deepEqual((await fourth.recover()).unfinished, []);
    assert.equal(await textOf(fourth, KEY), 'published');
    assert.equal(await textOf(fourth, { ...KEY, episodeId: 'finished' }), 'x');
  });

  test('finish forgets at once, and the blob stays', async (t) => {
    const { blobs, heldBodies } = await open(t);
    const { write } = await put(blobs, KEY, Buffer.from('kept'));
    await write.finish();
    await write.abort();
    assert.equal(await heldBodies(), 0);
    assert.equal(await textOf(blobs, KEY), 'kept');
  });
}

const CHUNKINGS: Record<string, number[]> = {
  'an empty blob': [],
  'an empty chunk': [0],
  'one byte': [1],
  'one chunk': [3 * MIB + 1],
  'many small chunks': Array.from({ length: 5000 }, (_, index) => index % 300),
  '20 MiB in odd chunks': oddChunks(20 * MIB),
};

function oddChunks(totalBytes: number): number[] {
  const sizes: number[] = [];
  const odd = [1, 7, 4097, 65_537, 524_288, 0, 1_000_003];
  for (let rest = totalBytes; rest > 0; ) {
    const size = Math.min(rest, odd[sizes.length % odd.length] ?? rest);
    sizes.push(size);
    rest -= size;
  }
  return sizes;
}

/** The same bytes at each call, without any order that would hide a shifted or repeated chunk. */
function madeUpBytes(sizeBytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

function keyContent({ hostId, episodeId }: BlobKey): Buffer {
  return Buffer.from(`${hostId} recorded ${episodeId}`);
}

function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function beginFor(blobs: BlobStore, key: BlobKey, content: Uint8Array): Promise<BlobWrite> {
  return await blobs.begin({ key, sha256: sha256Of(content), sizeBytes: content.byteLength });
}

async function put(
  blobs: BlobStore,
  key: BlobKey,
  content: Uint8Array,
): Promise<{ write: BlobWrite; outcome: CommitOutcome }> {
  const write = await beginFor(blobs, key, content);
  await write.write(Buffer.from(content));
  return { write, outcome: await write.commit() };
}

async function textOf(blobs: BlobStore, key: BlobKey): Promise<string> {
  return (await buffer(await blobs.read(key))).toString();
}
