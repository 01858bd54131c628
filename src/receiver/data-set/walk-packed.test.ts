import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { type WalkLimits, walkPacked } from './walk-packed.ts';

function empty(name: string): TarEntry {
  return name.endsWith('/')
    ? { header: { name, size: 0, type: 'directory' } }
    : { header: { name, size: 0 }, body: '' };
}

async function packed(entries: TarEntry[]): Promise<Readable> {
  return Readable.from([zstdCompressSync(await packTar(entries))]);
}

/** Paths until its end or its error. */
async function walk(entries: TarEntry[], limits?: WalkLimits): Promise<{ paths: string[]; error?: unknown }> {
  const paths: string[] = [];
  try {
    for await (const { path } of walkPacked(await packed(entries), limits)) paths.push(path);
    return { paths };
  } catch (error) {
    return { paths, error };
  }
}

test('paths below the first directory, whatever it is called', async () => {
  const names = ['e/', 'e/meta.json', 'e/out/x', '/e//y', 'alone'];
  assert.deepEqual(await walk(names.map(empty)), { paths: ['', 'meta.json', 'out/x', 'e//y', ''] });
});

test('a name longer than any file’s ends it', async () => {
  const longest = `e/${'/'.repeat(4_094)}`;
  const file = (name: string): TarEntry => ({ header: { name, size: 0, type: 'file' }, body: '' });
  assert.deepEqual((await walk([file(longest)])).paths, [longest.slice(2)]);
  const { paths, error } = await walk([empty('e/a'), file(`${longest}/`), empty('e/b')]);
  assert.deepEqual(paths, ['a']);
  assert.ok(error instanceof RangeError);
});

test('directories count as files do', async () => {
  const entries = ['e/', 'e/a/', 'e/b'].map(empty);
  assert.equal((await walk(entries, { mostEntries: 3 })).paths.length, 3);
  const { paths, error } = await walk(entries, { mostEntries: 2 });
  assert.deepEqual(paths, ['', 'a/']);
  assert.ok(error instanceof RangeError);
});

test('others get their turn while empty files go by, and the signal ends them', async () => {
  // So that the turn is not that of the next piece that is unpacked.
  const first = { header: { name: 'e/first', size: 4_096 }, body: 'x'.repeat(4_096) };
  const entries = [first, ...Array.from({ length: 200 }, (_, index) => empty(`e/${index}`))];
  const stop = new AbortController();
  let seen = 0;
  let hadTurn = false;
  const walking = async () => {
    for await (const _ of walkPacked(await packed(entries), { signal: stop.signal })) {
      seen += 1;
      if (seen === 63) {
        setImmediate(() => {
          hadTurn = true;
        });
      }
      if (seen === 64) assert.ok(hadTurn);
      if (seen === 100) stop.abort(new Error('left'));
    }
  };
  await assert.rejects(walking, /left/);
  assert.equal(seen, 100);
});
