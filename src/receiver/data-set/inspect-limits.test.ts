import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { walkWithinLimits } from './inspect-limits.ts';

function directories(count: number): TarEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    header: { name: `e/${index}/`, size: 0, type: 'directory' },
  }));
}

async function walk(entries: TarEntry[]): Promise<number> {
  let count = 0;
  const tarball = Readable.from([zstdCompressSync(await packTar(entries))]);
  for await (const _ of walkWithinLimits(tarball, {})) count += 1;
  return count;
}

test('two thousand entries and no more, of whatever kind', async () => {
  assert.equal(await walk(directories(2_000)), 2_000);
  await assert.rejects(walk(directories(2_001)), RangeError);
});

test('a signal ends the walk even when all of the tarball has been read', async () => {
  const stop = new AbortController();
  const tarball = Readable.from([zstdCompressSync(await packTar(directories(100)))]);
  let count = 0;
  const walking = async () => {
    for await (const _ of walkWithinLimits(tarball, { signal: stop.signal })) {
      count += 1;
      if (count === 50) {
        assert.equal(tarball.readableEnded, true);
        stop.abort(new Error('left'));
      }
    }
  };
  await assert.rejects(walking, /left/);
  assert.equal(count, 50);
});
