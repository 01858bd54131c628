import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { readPieces } from './read-pieces.ts';

const KIB = 1024;

for (const [title, fileBytes, wantedBytes, pieceBytes, expected] of [
  ['nothing', 0, 0, 64, []],
  ['less than a piece', 10, 10, 64, [10]],
  ['exactly two pieces', 128, 128, 64, [64, 64]],
  ['pieces that are read in the pool', 700 * KIB, 700 * KIB, 256 * KIB, [256 * KIB, 256 * KIB, 188 * KIB]],
  ['a file that grew', 200, 130, 64, [64, 64, 2]],
  ['a file that shrank', 100, 200, 64, [64, 36]],
] satisfies [string, number, number, number, number[]][]) {
  test(`pieces of a file: ${title}`, async (t) => {
    const path = join(temporaryDirectory(t), 'file');
    const content = randomBytes(fileBytes);
    writeFileSync(path, content);
    const pieces: Buffer[] = [];
    for await (const piece of readPieces(path, wantedBytes, pieceBytes)) pieces.push(Buffer.from(piece));
    assert.deepEqual(
      pieces.map(({ byteLength }) => byteLength),
      expected,
    );
    assert.ok(Buffer.concat(pieces).equals(content.subarray(0, wantedBytes)), 'the bytes are others than in the file');
  });
}

test('whoever stops in the middle leaves no file open', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, randomBytes(700 * KIB));
  for await (const _ of readPieces(path, 700 * KIB, 256 * KIB)) break;
  assert.deepEqual(
    openFiles().filter((open) => open === path),
    [],
  );
});

test('a file that is not there', async (t) => {
  await assert.rejects(readPieces(join(temporaryDirectory(t), 'none'), 1, 64).next(), { code: 'ENOENT' });
});

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      return [];
    }
  });
}
