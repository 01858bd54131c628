// The journal as bytes of any kind: from a file, and from a program in journalctl's place.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { AppError } from '../../lib/app-error.ts';
import { type JournalSource, readJournal } from './read-journal.ts';
import { splitLines } from './split-lines.ts';

const LINE = '- "PUT /v1/episodes/lab-1/x.tar.zst HTTP/1.1" 201';

async function read(source: JournalSource) {
  return await Array.fromAsync(readJournal(source));
}

/** Puts a script in journalctl's place for the rest of this test. */
function standIn(t: TestContext, script: string): string {
  const bin = join(temporaryDirectory(t), 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'journalctl'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'journalctl'), 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${bin}:${path}`;
  t.after(() => {
    process.env['PATH'] = path;
  });
  return bin;
}

const isUnreadable = (pattern: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'cannot-read' && pattern.test(error.message);

test('a file: bytes of any kind, a line without an end, CRLF', async (t) => {
  const path = join(temporaryDirectory(t), 'journal');
  writeFileSync(path, Buffer.concat([Buffer.from([0, 255, 10, 237, 160]), Buffer.from(`\n${LINE}\r\n\n${LINE}`)]));
  assert.deepEqual(await read({ kind: 'file', path }), [
    { hostId: 'lab-1', status: 201 },
    { hostId: 'lab-1', status: 201 },
  ]);
  await assert.rejects(read({ kind: 'file', path: `${path}-none` }), isUnreadable(/ENOENT/));
});

test('lines that cross pieces are whole, and one without an end takes no more room than it may', async () => {
  const pieces = async function* () {
    for (const piece of ['ab', 'c\nd', '', 'e\n', 'x'.repeat(30), 'y\nlast']) yield Buffer.from(piece);
  };
  assert.deepEqual(await Array.fromAsync(splitLines(pieces(), 8)), ['abc', 'de', 'xxxxxxxx', 'last']);
});

test('journalctl is asked for the unit and the time, in plain English', async (t) => {
  const bin = standIn(
    t,
    `echo "$@" > "$(dirname "$0")/asked"; echo "$LC_ALL" >> "$(dirname "$0")/asked"; echo '${LINE}'`,
  );
  const facts = await read({ kind: 'unit', unit: 'cis490-receiver', sinceS: 1_000, untilS: 2_000 });
  assert.deepEqual(facts, [{ hostId: 'lab-1', status: 201 }]);
  assert.equal(
    readFileSync(join(bin, 'asked'), 'utf8'),
    '-u cis490-receiver --since @1000 --until @2000 --output=cat\nC\n',
  );
});

for (const [name, script, pattern] of [
  ['it fails', 'echo "no such unit" >&2; exit 1', /no such unit/],
  ['it may not read', 'echo "No journal files were opened due to insufficient permissions." >&2', /insufficient/],
  ['it may read a part', 'echo "Hint: You are currently not seeing messages from other users" >&2', /not seeing/],
  ['it does not end', 'exec sleep 1000', /longer than 0.05 s/],
] as const) {
  test(`journalctl: ${name}`, async (t) => {
    standIn(t, script);
    const source = { kind: 'unit', unit: 'u', sinceS: 0, limitMs: name === 'it does not end' ? 50 : 30_000 } as const;
    await assert.rejects(read(source), isUnreadable(pattern));
  });
}

test('journalctl is not there', async (t) => {
  const path = process.env['PATH'];
  process.env['PATH'] = temporaryDirectory(t);
  t.after(() => {
    process.env['PATH'] = path;
  });
  await assert.rejects(read({ kind: 'unit', unit: 'u', sinceS: 0 }), isUnreadable(/ENOENT/));
});
