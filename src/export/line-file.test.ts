import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../../test/support/episodes.ts';
import { makeDirectory } from './export.fixture.ts';
import { readLines, writeLines } from './line-file.ts';

test('read as they were written, whatever they hold', async (t) => {
  const path = join(makeDirectory(t), 'lines');
  const lines = ['', 'a\u2028b', 'ü'.repeat(200_000), 'carriage\rreturn', ...Array(50_000).fill('x'.repeat(20)), 'end'];
  const written = await writeLines(
    path,
    (async function* () {
      for (const line of lines) yield `${line}\n`;
    })(),
  );
  const bytes = readFileSync(path);
  assert.deepEqual(written, { bytes: bytes.length, sha256: sha256(bytes) });
  const read: string[] = [];
  for await (const line of readLines(path)) read.push(line);
  assert.deepEqual(read, lines);
});

test('a place that cannot be written is told with its path', async (t) => {
  const path = join(makeDirectory(t), 'nothing', 'lines');
  await assert.rejects(writeLines(path, (async function* () {})()), {
    code: 'cannot-write',
    message: /nothing\/lines/,
  });
});
