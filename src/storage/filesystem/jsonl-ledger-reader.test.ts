import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LedgerItem, LedgerReader } from '../ledger-reader.ts';
import { openStorage, openStorageForReading } from '../open-storage.ts';
import { lineOf, rowOf, SILENT, temporaryDirectory } from '../storage.fixture.ts';

async function readAll(reader: LedgerReader, afterSeq = 0): Promise<LedgerItem[]> {
  return await Array.fromAsync(reader.read(afterSeq));
}

/** `seq:episode` of entries, `bad:line` of others. */
function brief(items: readonly LedgerItem[]): string[] {
  return items.map((item) =>
    item.kind === 'entry' ? `${item.entry.seq}:${item.entry.episode_id}` : `bad:${item.line}`,
  );
}

const TOMBSTONE = JSON.stringify({
  host_id: 'h1',
  episode_id: 'e1',
  retracted_at_wall: '2026-05-02T06:37:53.830599+00:00',
  reason: 'x',
  by: 'y',
});

const MIXED = [
  lineOf('e1'),
  '\n',
  'no row\n',
  lineOf('e4'),
  lineOf('e5', { seq: 20 }),
  lineOf('e6'),
  lineOf('e7', { seq: 3 }),
  `${TOMBSTONE}\n`,
  lineOf('e9', { seq: 2 ** 53 - 1 }),
  '[]\n',
].join('');

test('entries are numbered as the ledger numbers them; bad lines are told where they stand', async (t) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'index.jsonl'), MIXED);
  const { ledger } = openStorageForReading(root);
  const items = await readAll(ledger);
  assert.deepEqual(brief(items), ['1:e1', 'bad:3', '4:e4', '20:e5', '21:e6', '22:e7', '23:e1', '24:e9', 'bad:10']);
  assert.deepEqual(
    items.map(({ line }) => line),
    [1, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.deepEqual(brief(await readAll(ledger, 20)), ['21:e6', '22:e7', '23:e1', '24:e9', 'bad:10']);
  assert.deepEqual(brief(await readAll(ledger, 24)), ['bad:10']);
  assert.deepEqual(readdirSync(root), ['index.jsonl'], 'it made nothing');

  const storage = await openStorage({ root, logger: SILENT });
  t.after(() => storage.close());
  assert.deepEqual(
    items.flatMap((item) => (item.kind === 'entry' ? [item.entry] : [])),
    await storage.ledger.read(0, 100),
  );
  await storage.ledger.append(rowOf('e11'));
  assert.deepEqual(brief(await readAll(ledger, 24)), ['bad:10', '25:e11'], 'beside the writer');
});

test('no ledger, an empty one and one without a whole line have nothing and no identity', async (t) => {
  const root = temporaryDirectory(t);
  const { ledger } = openStorageForReading(root);
  for (const content of [undefined, '', '{"host_id":"h1"']) {
    if (content !== undefined) writeFileSync(join(root, 'index.jsonl'), content);
    assert.deepEqual(await readAll(ledger), []);
    assert.equal(await ledger.identity(), undefined);
  }
});

test('a torn last line is left out, whatever becomes of it while the rest is being read', async (t) => {
  const root = temporaryDirectory(t);
  const path = join(root, 'index.jsonl');
  // More than is read at once, so that the end is still to be read when it changes.
  const rows = Array.from({ length: 12_000 }, (_, index) => lineOf(`e${index + 1}`));
  const whole = rows.join('');
  writeFileSync(path, `${whole}{"host_id":"h1","torn":"${'x'.repeat(500)}`);
  const { ledger } = openStorageForReading(root);
  const seen: LedgerItem[] = [];
  for await (const item of ledger.read(0)) {
    if (seen.length === 0) {
      truncateSync(path, Buffer.byteLength(whole));
      appendFileSync(path, lineOf('later'));
    }
    seen.push(item);
  }
  assert.equal(seen.length, rows.length);
  assert.equal(brief(seen).at(-1), '12000:e12000');
  assert.equal(brief(await readAll(ledger)).at(-1), '12001:later');
});

test('the identity is of the first line: it stays while the ledger grows, another ledger has another', async (t) => {
  const root = temporaryDirectory(t);
  const path = join(root, 'index.jsonl');
  const { ledger } = openStorageForReading(root);
  writeFileSync(path, lineOf('e1'));
  const identity = await ledger.identity();
  appendFileSync(path, lineOf('e2'));
  assert.equal(await ledger.identity(), identity);
  rmSync(path);
  writeFileSync(path, lineOf('e2'));
  assert.notEqual(await ledger.identity(), identity);
});

test('what cannot be read is no empty ledger', async (t) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'file'), '');
  const { ledger } = openStorageForReading(join(root, 'file'));
  await assert.rejects(readAll(ledger), { code: 'ENOTDIR' });
});

test('a last row without its newline is told apart, until it is ended; a part of one is not told', async (t) => {
  const root = temporaryDirectory(t);
  const path = join(root, 'index.jsonl');
  const { ledger } = openStorageForReading(root);
  const follow = async (mark?: string) => {
    const news = await ledger.follow(mark);
    const rows = (await Array.fromAsync(news.rows)).flat();
    return { rows: rows.length, unended: news.unended?.hostId, badLines: news.badLines(), mark: news.mark() };
  };
  const { host_id: hostId } = rowOf('e2');
  writeFileSync(path, lineOf('e1') + lineOf('e2').trimEnd());
  const first = await follow();
  assert.deepEqual([first.rows, first.unended, first.badLines], [1, hostId, 0]);
  appendFileSync(path, `\n${lineOf('e3').slice(0, 40)}`);
  const second = await follow(first.mark);
  assert.deepEqual([second.rows, second.unended, second.badLines], [1, undefined, 0]);
});
