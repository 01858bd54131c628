import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { writeBigLedger } from '../../../test/support/big-ledger.ts';
import { lineOf, temporaryDirectory } from '../storage.fixture.ts';
import { followJsonl, type JsonlNews } from './jsonl-follow.ts';
import type { FollowSizes } from './jsonl-mark.ts';

// Small, so that small files have many chunks.
const SIZES: FollowSizes = { chunkBytes: 64, compareBytes: 256 };

interface Read {
  isAnew: boolean;
  text: string;
  mark: string;
  torn: string;
}

async function readToEnd(news: JsonlNews): Promise<Read> {
  const pieces = await Array.fromAsync(news.pieces);
  for (const piece of pieces) assert.equal(piece.at(-1), 0x0a, 'a piece ends with a line');
  const text = Buffer.concat(pieces).toString();
  return { isAnew: news.isAnew, text, mark: news.mark(), torn: news.torn.toString() };
}

async function follow(path: string, mark?: string, sizes = SIZES): Promise<Read> {
  return await readToEnd(await followJsonl(path, mark, sizes));
}

function newPath(t: TestContext): string {
  return join(temporaryDirectory(t), 'x.jsonl');
}

/** 16 bytes each, the newline included. */
function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => `line ${String(from + index).padStart(10, '0')}\n`).join('');
}

test('what was appended is told once; a torn last line is left for the next time', async (t) => {
  const path = newPath(t);
  writeFileSync(path, `${lines(0, 3)}to`);
  const first = await follow(path);
  assert.deepEqual([first.isAnew, first.text, first.torn], [true, lines(0, 3), 'to']);
  const same = await follow(path, first.mark);
  assert.deepEqual(same, { isAnew: false, text: '', mark: first.mark, torn: 'to' });
  appendFileSync(path, `rn\n${lines(3, 50)}`);
  const second = await follow(path, same.mark);
  assert.deepEqual([second.isAnew, second.text, second.torn], [false, `torn\n${lines(3, 50)}`, '']);
});

test('an empty file and one without a whole line have nothing, and their first line is not missed', async (t) => {
  const path = newPath(t);
  writeFileSync(path, '');
  const empty = await follow(path);
  assert.deepEqual([empty.isAnew, empty.text], [true, '']);
  writeFileSync(path, 'li');
  const torn = await follow(path, empty.mark);
  assert.deepEqual([torn.isAnew, torn.text, torn.torn], [false, '', 'li']);
  appendFileSync(path, 'ne\n');
  const whole = await follow(path, torn.mark);
  assert.deepEqual([whole.isAnew, whole.text], [false, 'line\n']);
});

// Of 40 lines, 640 bytes: chunks of 64 bytes. The edges are as long as the file.
const OTHERS: [string, (path: string) => void][] = [
  ['was replaced by another', (path) => replace(path, lines(100, 140))],
  ['was replaced by one that begins alike', (path) => replace(path, lines(0, 60))],
  ['was cut by a line', (path) => truncateSync(path, 39 * 16)],
  ['was cut, and grew beyond', (path) => truncateThenAppend(path, 30, lines(100, 140))],
  ['was rewritten in place, with the same length', (path) => writeFileSync(path, lines(100, 140))],
  ['was emptied', (path) => truncateSync(path, 0)],
  ['has another byte in its first line', (path) => overwrite(path, 3)],
  ['has another byte in its last line', (path) => overwrite(path, 639)],
];

for (const [what, change] of OTHERS) {
  test(`a file that ${what} is read anew`, async (t) => {
    const path = newPath(t);
    writeFileSync(path, lines(0, 40));
    const { mark } = await follow(path);
    const before = statSync(path);
    change(path);
    // What changes a file may well set its time back.
    utimesSync(path, before.atime, before.mtime);
    const read = await follow(path, mark);
    const wholeLines = readFileSync(path, 'utf8').replace(/[^\n]*$/, '');
    assert.deepEqual([read.isAnew, read.text], [true, wholeLines]);
  });
}

for (const [what, mark] of [
  ['no JSON', 'x'],
  ['JSON of a stranger', '{}'],
  ['nothing', ''],
] as const) {
  test(`a mark that is ${what}: anew`, async (t) => {
    const path = newPath(t);
    writeFileSync(path, lines(0, 3));
    assert.equal((await follow(path, mark)).isAnew, true);
  });
}

test('one byte that changed in the middle of a large file is found when its turn comes, whatever is appended meanwhile', async (t) => {
  const path = newPath(t);
  const total = 1000;
  writeFileSync(path, lines(0, total));
  let { mark } = await follow(path);
  overwrite(path, 8000);
  let runs = 0;
  for (let isAnew = false; !isAnew; runs += 1) {
    assert.ok(runs <= 250 / 3 + 10, 'never found');
    appendFileSync(path, lines(runs, runs + 1));
    const read = await follow(path, mark);
    ({ isAnew, mark } = read);
    if (isAnew) assert.equal(read.text, readFileSync(path, 'utf8'));
  }
  assert.ok(runs > 10, 'it was compared whole');
});

test('a small file is compared whole each time: one byte far from both of its ends is found at once', async (t) => {
  const path = newPath(t);
  for (const [rows, at] of [
    [3000, 20_000],
    [5000, 20_000],
    [5000, 70_000],
  ] as const) {
    writeFileSync(path, lines(0, rows));
    const { mark } = await follow(path, undefined, { chunkBytes: 65_536, compareBytes: 262_144 });
    overwrite(path, at);
    const read = await follow(path, mark, { chunkBytes: 65_536, compareBytes: 262_144 });
    assert.deepEqual([read.isAnew, read.text], [true, readFileSync(path, 'utf8')], `byte ${at} of ${rows} lines`);
  }
});

test('what is longer than a chunk, a piece, and all that a line may be', async (t) => {
  const path = newPath(t);
  const long = `${'x'.repeat(3_000_000)}\n`;
  const tooLong = `{"host_id":"h1","x":"${'y'.repeat(17 * 1024 * 1024)}"}\n`;
  writeFileSync(path, lines(0, 2) + long + lines(2, 4) + tooLong + lines(4, 6));
  const { text, mark } = await follow(path, undefined, { chunkBytes: 1024 * 1024, compareBytes: 4 * 1024 * 1024 });
  assert.equal(text, `${lines(0, 2)}${long}${lines(2, 4)}${tooLong.slice(0, 1024)}\n${lines(4, 6)}`);
  assert.equal((await follow(path, mark, { chunkBytes: 1024 * 1024, compareBytes: 4 * 1024 * 1024 })).isAnew, false);
});

test('what is no file, and what is not there, cannot be read; the cure is told', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'd'));
  for (const path of [join(directory, 'd'), join(directory, 'missing')]) {
    await assert.rejects(follow(path), (error: { code: string; hint: string; message: string }) => {
      assert.equal(error.code, 'cannot-read');
      assert.ok(error.message.includes(path) && error.hint.includes('ls -l'));
      return true;
    });
  }
});

test('a file that becomes shorter while it is read is told as that, and read anew the next time', async (t) => {
  const path = newPath(t);
  writeFileSync(path, lines(0, 100));
  const news = await followJsonl(path, undefined, SIZES);
  truncateSync(path, 160);
  await assert.rejects(Array.fromAsync(news.pieces), { code: 'cannot-read', retryable: true });
  assert.throws(() => news.mark(), /not read to its end/);
  assert.equal((await follow(path)).text, lines(0, 10));
});

test('the size of a mark does not stand in the way of a large ledger', async (t) => {
  const path = newPath(t);
  await writeBigLedger({ path, rows: 20_000, hosts: 7, lastAtMs: Date.UTC(2026, 4, 1) });
  const { text, mark } = await readToEnd(await followJsonl(path, undefined));
  assert.equal(text.length, statSync(path).size);
  assert.ok(mark.length < 500, mark);
  await writeBigLedger({ path, rows: 10, hosts: 7, lastAtMs: Date.UTC(2026, 4, 2), firstSeq: 20_001 });
  const more = await readToEnd(await followJsonl(path, mark));
  assert.deepEqual([more.isAnew, more.text.split('\n').length], [false, 11]);
});

type Change =
  | { kind: 'append'; count: number; torn: number }
  | { kind: 'truncate'; at: number }
  | { kind: 'replace'; count: number }
  | { kind: 'rewrite'; at: number }
  | { kind: 'run'; isKilled: boolean };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.nat(9), torn: fc.nat(60) }),
  fc.record({ kind: fc.constant('truncate' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('replace' as const), count: fc.nat(9) }),
  fc.record({ kind: fc.constant('rewrite' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('run' as const), isKilled: fc.boolean() }),
);

test('whatever befalls the file: what is known after the last run is what a full scan finds', async (t) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const path = newPath(t);
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 25 }), async (changes) => {
      writeFileSync(path, '');
      let count = 0;
      const newLine = () => {
        count += 1;
        return lineOf(`e${count}`, { pad: 'x'.repeat(count % 37) });
      };
      let known: { text: string; mark?: string } = { text: '' };
      const run = async (isKilled: boolean) => {
        const read = await follow(path, known.mark, { chunkBytes: 512, compareBytes: 2048 });
        // Killed before it has remembered: the next run knows what the one before did.
        if (!isKilled) known = { text: (read.isAnew ? '' : known.text) + read.text, mark: read.mark };
      };
      for (const it of changes) {
        const { size } = statSync(path);
        if (it.kind === 'append') {
          const whole = Array.from({ length: it.count }, newLine).join('');
          appendFileSync(path, whole + newLine().slice(0, it.torn));
        } else if (it.kind === 'truncate') truncateSync(path, it.at % (size + 1));
        else if (it.kind === 'replace') replace(path, Array.from({ length: it.count }, newLine).join(''));
        else if (it.kind === 'rewrite' && size > 0) overwrite(path, it.at % size);
        else if (it.kind === 'run') await run(it.isKilled);
      }
      // Three whole chunks at least are compared in each run.
      const turns = Math.ceil(statSync(path).size / 512 / 3) + 1;
      for (let turn = 0; turn < turns; turn += 1) await run(false);
      assert.equal(known.text, readFileSync(path, 'latin1').replace(/[^\n]*$/, ''));
    }),
    { numRuns: 60, seed },
  );
});

function replace(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

function truncateThenAppend(path: string, wholeLines: number, content: string): void {
  truncateSync(path, wholeLines * 16);
  appendFileSync(path, content);
}

/** Another byte in the same place; a newline may come or go. */
function overwrite(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at] === 0x2a ? 0x0a : 0x2a;
  writeFileSync(path, bytes, { flag: 'r+' });
}
