// cis490 episode show --json, of episodes that are sound and larger than a page of the dashboard shows, and of one that is not.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';
import { Program } from '../support/program.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const FILES = 2_500;
const NOTE = 'x'.repeat(2 * 1024 * 1024);

async function pack(): Promise<Buffer> {
  const entries = [
    ['meta.json', JSON.stringify({ note: NOTE })],
    ...Array.from({ length: FILES }, (_, at) => [`${at}`, '']),
  ];
  const packed = entries.map(
    ([name, body = '']): TarEntry => ({ header: { name: `e1/${name}`, size: body.length }, body }),
  );
  return zstdCompressSync(await packTar(packed));
}

async function show(t: TestContext, content: Buffer) {
  const tarball = join(temporaryDirectory(t), 'e1.tar.zst');
  writeFileSync(tarball, content);
  const program = Program.cis490(['episode', 'show', '--json', tarball]);
  const { code } = await program.ended;
  return { code, shown: JSON.parse(program.stdout) };
}

test('all of it: thousands of files, a large meta.json', async (t) => {
  const { code, shown } = await show(t, await pack());
  assert.deepEqual([code, shown.is_whole, shown.files.length], [0, true, FILES + 1]);
  assert.equal(shown.meta.note, NOTE);
});

test('of one that is cut what can be read, and exit code 1', async (t) => {
  const whole = await pack();
  const { code, shown } = await show(t, whole.subarray(0, whole.length - 10));
  assert.deepEqual([code, shown.is_whole], [1, false]);
});
