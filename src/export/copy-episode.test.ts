import assert from 'node:assert/strict';
import {
  chmodSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { BagDisk } from './bag/bag-disk.ts';
import { type Copied, copyEpisode } from './copy-episode.ts';
import { EpisodeLoss } from './episode-source.ts';
import { diskError, MemorySource, openBag, RECEIVED_AT } from './export.fixture.ts';

async function scene(t: TestContext, disk: Partial<BagDisk> = {}) {
  const bag = await openBag(t, disk);
  const source = new MemorySource();
  const row = source.add('lab-1/e', 'twelve bytes');
  const place = join(bag.path, 'data/episodes/lab-1/e.tar.zst');
  const partial = join(bag.path, '.partial/lab-1~e');
  const known: number[] = [];
  const copy = (verify = false, stop = new AbortController()): Promise<Copied> =>
    copyEpisode(row, { bag, source, verify, onBytes: (bytes) => known.push(bytes), signal: stop.signal });
  const plant = (planted: string) => {
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { force: true });
    writeFileSync(place, planted);
  };
  return { bag, source, row, place, partial, known, copy, plant };
}

test('placed with the bytes that were stored, read-only, of the time when they were', async (t) => {
  const { copy, place, partial, known, bag } = await scene(t);
  assert.deepEqual(await copy(), { kind: 'added' });
  assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
  assert.equal(statSync(place).mode & 0o777, 0o444);
  assert.equal(statSync(place).mtimeMs, Date.parse(RECEIVED_AT));
  assert.ok(!existsSync(partial));
  assert.deepEqual(known, [4, 8, 12]);
  assert.equal(await bag.isWhole(), false);
});

describe('a partial that is there', () => {
  for (const [title, left, reads] of [
    ['is gone on with', 'twelve ', [7]],
    ['is whole but for its name', 'twelve bytes', []],
    ['holds other bytes', 'thirteen', [8, 0]],
    ['is of the right length and holds other bytes', 'twelve bites', [0]],
    ['is too long', 'twelve bytes and more', [0]],
    ['is empty', '', [0]],
  ] as [string, string, number[]][]) {
    test(title, async (t) => {
      const { copy, place, partial, source } = await scene(t);
      writeFileSync(partial, left);
      assert.deepEqual(await copy(), { kind: 'added' });
      assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
      assert.deepEqual(
        source.reads.map(([, fromByte]) => fromByte),
        reads,
      );
    });
  }
});

describe('what the source has is not what was stored: never placed', () => {
  for (const [title, content, why, detail] of [
    ['other bytes', 'twelve bites', 'changed', /its SHA-256 is \w+, in its row/],
    ['too few', 'twelve', 'wrong-size', /it has 6 bytes, its row 12/],
    ['too many', 'twelve bytes and more', 'wrong-size', /more/],
    ['nothing', new EpisodeLoss('missing', 'not there'), 'missing', /not there/],
    ['an error', new EpisodeLoss('unreadable', 'EIO'), 'unreadable', /EIO/],
  ] as [string, string | EpisodeLoss, string, RegExp][]) {
    test(title, async (t) => {
      const { copy, place, source } = await scene(t);
      source.contents.set('lab-1/e', content);
      const copied = await copy();
      assert.equal(copied.kind, 'lost');
      assert.equal(copied.kind === 'lost' && copied.why, why);
      assert.match(copied.kind === 'lost' ? copied.detail : '', detail);
      assert.ok(!existsSync(place));
    });
  }

  test('what was had of an unreadable one is kept for the next time, of a changed one nothing is', async (t) => {
    const { copy, partial, source } = await scene(t);
    writeFileSync(partial, 'twelve ');
    source.contents.set('lab-1/e', new EpisodeLoss('unreadable', 'EIO'));
    await copy();
    assert.equal(readFileSync(partial, 'utf8'), 'twelve ');
    source.contents.set('lab-1/e', 'twelve bites');
    await copy();
    assert.ok(!existsSync(partial));
  });
});

describe('what the bag has', () => {
  test('stays unread when nobody has touched it', async (t) => {
    const { copy, source, place } = await scene(t);
    await copy();
    chmodSync(place, 0o644);
    writeFileSync(place, 'twelve bites');
    const at = new Date(Date.parse(RECEIVED_AT));
    utimesSync(place, at, at);
    source.reads.length = 0;
    assert.deepEqual(await copy(), { kind: 'kept' });
    assert.deepEqual(source.reads, []);
    assert.deepEqual(await copy(true), { kind: 'replaced' });
    assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
  });

  test('is hashed when its time is another, and gets its own back', async (t) => {
    const { copy, plant, place, source } = await scene(t);
    plant('twelve bytes');
    assert.deepEqual(await copy(), { kind: 'kept' });
    assert.deepEqual(source.reads, []);
    assert.equal(statSync(place).mtimeMs, Date.parse(RECEIVED_AT));
  });

  for (const damaged of ['twelve bites', 'twelve']) {
    test(`goes when it is damaged: ${damaged}`, async (t) => {
      const { copy, plant, place, source } = await scene(t);
      plant(damaged);
      assert.deepEqual(await copy(), { kind: 'replaced' });
      assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
      plant(damaged);
      source.contents.delete('lab-1/e');
      assert.equal((await copy()).kind, 'lost');
      assert.ok(!existsSync(place));
    });
  }
});

describe('a failed fsync is never tried again on the same file', () => {
  for (const [errno, code] of [
    ['EIO', 'sync-failed'],
    ['ENOSPC', 'disk-full'],
  ] as const) {
    test(errno, async (t) => {
      let fails = true;
      const sync: BagDisk['sync'] = async (handle) => {
        if (fails) throw diskError(errno);
        await handle.sync();
      };
      const { copy, partial, place, source } = await scene(t, { sync });
      await assert.rejects(copy(), { code, hint: /go on with the same command/ });
      assert.ok(!existsSync(partial) && !existsSync(place));
      fails = false;
      assert.deepEqual(await copy(), { kind: 'added' });
      assert.deepEqual(
        source.reads.map(([, fromByte]) => fromByte),
        [0, 0],
      );
    });
  }

  test('one that cannot be removed is named with the command that does', async (t) => {
    let partialOf = '';
    const sync = async () => {
      rmSync(partialOf);
      mkdirSync(partialOf);
      throw diskError('ENOSPC');
    };
    const { copy, partial } = await scene(t, { sync });
    partialOf = partial;
    await assert.rejects(copy(), { code: 'sync-failed', hint: /then rm -f '\S+\/\.partial\/lab-1~e', and go on/ });
  });
});

describe('what the disk does not give back', () => {
  function failing(errno: string): { disk: Pick<BagDisk, 'read'>; asked: string[] } {
    const asked: string[] = [];
    async function* read(path: string): AsyncGenerator<Uint8Array> {
      asked.push(path);
      for await (const chunk of createReadStream(path, { end: 3 })) yield chunk;
      throw diskError(errno);
    }
    return { disk: { read }, asked };
  }

  test('of a copy is damage of it: fetched anew', async (t) => {
    const { disk, asked } = failing('EIO');
    const { copy, plant, place, source } = await scene(t, disk);
    plant('twelve bytes');
    assert.deepEqual(await copy(), { kind: 'replaced' });
    assert.deepEqual([asked, source.reads], [[place], [['lab-1/e', 0]]]);
    assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
  });

  test('of a partial is begun at its first byte, in a new file', async (t) => {
    const { disk, asked } = failing('EIO');
    const { copy, partial, place, source, known } = await scene(t, disk);
    writeFileSync(partial, 'twelve ');
    // Keeps its inode from being given to the next.
    const old = `${partial}~old`;
    linkSync(partial, old);
    assert.deepEqual(await copy(), { kind: 'added' });
    assert.notEqual(statSync(place).ino, statSync(old).ino);
    assert.deepEqual([asked, source.reads], [[partial], [['lab-1/e', 0]]]);
    assert.deepEqual(known, [4, 0, 4, 8, 12]);
    assert.equal(readFileSync(place, 'utf8'), 'twelve bytes');
  });

  test('for another reason ends it, with the file and the next command, and nothing is removed', async (t) => {
    const { copy, plant, place, partial } = await scene(t, failing('EMFILE').disk);
    writeFileSync(partial, 'twelve ');
    const told = (path: string) => ({
      code: 'cannot-read',
      message: `${path} cannot be read: EMFILE`,
      hint: /ls -ld .*go on with the same command/,
    });
    await assert.rejects(copy(), told(partial));
    plant('twelve bytes');
    await assert.rejects(copy(), told(place));
    assert.ok(existsSync(partial) && existsSync(place));
  });
});

test('told to stop, it leaves a partial and nothing else', async (t) => {
  const { bag, source, row, place, partial } = await scene(t);
  const stop = new AbortController();
  const copied = await copyEpisode(row, {
    bag,
    source,
    verify: false,
    onBytes: () => stop.abort(),
    signal: stop.signal,
  });
  assert.deepEqual(copied, { kind: 'interrupted' });
  assert.equal(readFileSync(partial, 'utf8'), 'twel');
  assert.ok(!existsSync(place));
});
