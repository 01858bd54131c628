import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { writePieces } from './write-pieces.ts';

async function openFile(t: TestContext): Promise<{ path: string; handle: FileHandle }> {
  const path = join(temporaryDirectory(t), 'file');
  const handle = await open(path, 'w');
  t.after(() => handle.close());
  return { path, handle };
}

/** As the kernel may: a few bytes at a time. */
function takingFew(handle: FileHandle): FileHandle {
  return {
    writev: async (pieces: readonly Uint8Array[], position?: number) => {
      const few = Buffer.concat(pieces).subarray(0, 3);
      return await handle.writev([few], position);
    },
  } as unknown as FileHandle;
}

test('pieces that are all of their buffers are given back once they are written', async (t) => {
  const { path, handle } = await openFile(t);
  const pieces = [new Uint8Array(randomBytes(70_000)), new Uint8Array(randomBytes(5))];
  const content = Buffer.concat(pieces);
  await writePieces(handle, pieces);
  assert.deepEqual(await readFile(path), content);
  assert.deepEqual(
    pieces.map(({ buffer }) => buffer.byteLength),
    [0, 0],
  );
});

test('what else a buffer holds stays', async (t) => {
  const { path, handle } = await openFile(t);
  const whole = new Uint8Array(randomBytes(20));
  const before = Buffer.from(whole);
  await writePieces(handle, [whole.subarray(0, 10)]);
  await writePieces(handle, [whole.subarray(10)]);
  assert.deepEqual(Buffer.from(whole), before);
  assert.deepEqual(await readFile(path), before);
});

test('a write that takes less than it was given goes on, within pieces and across them', async (t) => {
  const { path, handle } = await openFile(t);
  await handle.write('....................');
  const pieces = ['abcde', 'f', '', 'ghijklm'].map((text) => new TextEncoder().encode(text));
  await writePieces(takingFew(handle), pieces, 4);
  assert.equal(await readFile(path, 'utf8'), '....abcdefghijklm...');
});

test('pieces that could not be written are kept', async (t) => {
  const { handle } = await openFile(t);
  const failing = { writev: async () => Promise.reject(new Error('EIO')) } as unknown as FileHandle;
  const piece = new Uint8Array(randomBytes(8));
  const before = Buffer.from(piece);
  await assert.rejects(writePieces(failing, [piece]), /EIO/);
  await writePieces(handle, [piece.slice()]);
  assert.deepEqual(Buffer.from(piece), before);
});
