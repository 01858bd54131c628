// Real files: a copy grows by whole lines, and takes no other ledger's.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { copyLedger, requireContinuation } from './copy-ledger.ts';

// More than one piece that is read at once.
const LONG = Array.from({ length: 150_000 }, (_, seq) => `{"seq":${seq}}\n`).join('');

function pair(t: TestContext, ledger: string, copy?: string): { from: string; to: string } {
  const root = temporaryDirectory(t);
  const [from, to] = [join(root, 'index.jsonl'), join(root, 'copy.jsonl')];
  writeFileSync(from, ledger);
  if (copy !== undefined) writeFileSync(to, copy);
  return { from, to };
}

const CONTINUED: [what: string, ledger: string, copy: string | undefined, after: string][] = [
  ['the first time', 'a\nb\n', undefined, 'a\nb\n'],
  ['an empty ledger', '', undefined, ''],
  ['more rows', 'a\nb\nc\n', 'a\n', 'a\nb\nc\n'],
  ['nothing new', 'a\n', 'a\n', 'a\n'],
  ['a line that is being written is left', 'a\nb\nhal', 'a\n', 'a\nb\n'],
  ['a copy that was killed in the middle of a line', 'aaa\nbbb\n', 'aaa\nb', 'aaa\nbbb\n'],
  ['long', LONG, LONG.slice(0, 1_200_000), LONG],
];

for (const [what, ledger, copy, after] of CONTINUED) {
  test(`continued: ${what}`, async (t) => {
    const { from, to } = pair(t, ledger, copy);
    await requireContinuation(from, to);
    await copyLedger(from, to);
    assert.ok(readFileSync(to, 'utf8') === after);
    appendFileSync(from, '\nz\n');
    await requireContinuation(from, to);
  });
}

const OTHERS: [what: string, ledger: string, copy: string][] = [
  ['begun anew', '', 'a\n'],
  ['cut', 'a\n', 'a\nb\n'],
  ['other rows', 'a\nx\nc\n', 'a\nb\n'],
  ['other rows at the end of a long one', `${LONG.slice(0, -3)}x}\nmore\n`, LONG],
];

for (const [what, ledger, copy] of OTHERS) {
  test(`refused: ${what}`, async (t) => {
    const { from, to } = pair(t, ledger, copy);
    await assert.rejects(requireContinuation(from, to), { code: 'another-ledger' });
    assert.ok(readFileSync(to, 'utf8') === copy);
  });
}
