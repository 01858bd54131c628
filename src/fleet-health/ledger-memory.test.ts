// What is remembered of the ledger tells what a full reading would, whatever the clock does meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerNews, StoredAt } from '../storage/ledger-reader.ts';
import { type LedgerMemory, readLedger } from './ledger-memory.ts';

/** A ledger in memory whose mark is how many rows were read. */
class FakeLedger {
  readonly rows: StoredAt[] = [];
  marks: Array<string | undefined> = [];
  isReplaced = false;
  unended: StoredAt | undefined;

  add(hostId: string, receivedAtUs: number, commit?: string): void {
    this.rows.push({ hostId, receivedAtUs, commit });
  }

  async follow(mark: string | undefined): Promise<LedgerNews> {
    this.marks.push(mark);
    const isAnew = mark === undefined || this.isReplaced;
    const news = this.rows.slice(isAnew ? 0 : Number(mark));
    const rows = (async function* () {
      for (const row of news) yield [row];
    })();
    return { isAnew, rows, unended: this.unended, mark: () => String(this.rows.length), badLines: () => 0 };
  }
}

async function readAt(ledger: FakeLedger, nowUs: number, remembered?: LedgerMemory, mostAside = 10) {
  return await readLedger({ reader: ledger, remembered, nowUs, mostAside });
}

test('a run reads what came since; the last row counts, of two with one time the later', async () => {
  const ledger = new FakeLedger();
  ledger.add('a', 10, 'c1');
  ledger.add('a', 5, 'c0');
  const first = await readAt(ledger, 100);
  assert.deepEqual(first.hosts.get('a'), { lastStoredAtUs: 10, commit: 'c1' });
  ledger.add('a', 10, 'c2');
  ledger.add('b', 20);
  const second = await readAt(ledger, 100, first.memory);
  assert.deepEqual(second.hosts.get('a'), { lastStoredAtUs: 10, commit: 'c2' });
  assert.deepEqual(second.hosts.get('b'), { lastStoredAtUs: 20, commit: undefined });
  assert.deepEqual(ledger.marks, [undefined, '2']);
});

test('rows ahead of the clock wait for their time; their host has stored all the same', async () => {
  const ledger = new FakeLedger();
  ledger.add('a', 10);
  ledger.add('a', 200, 'c9');
  ledger.add('b', 200);
  const first = await readAt(ledger, 100);
  assert.deepEqual(first.hosts.get('a'), { lastStoredAtUs: 10, commit: undefined });
  assert.deepEqual(first.hosts.get('b'), { lastStoredAtUs: undefined, commit: undefined });
  const second = await readAt(ledger, 199, first.memory);
  assert.equal(second.hosts.get('a')?.lastStoredAtUs, 10);
  const third = await readAt(ledger, 200, second.memory);
  assert.deepEqual(third.hosts.get('a'), { lastStoredAtUs: 200, commit: 'c9' });
  assert.equal(third.hosts.get('b')?.lastStoredAtUs, 200);
});

test('a clock behind what is remembered: read anew, and remembered nothing', async () => {
  const ledger = new FakeLedger();
  ledger.add('a', 10);
  ledger.add('a', 90);
  const { memory } = await readAt(ledger, 100);
  const earlier = await readAt(ledger, 89, memory);
  assert.equal(earlier.hosts.get('a')?.lastStoredAtUs, 10);
  assert.equal(earlier.memory, undefined);
  assert.deepEqual(ledger.marks, [undefined, undefined]);
  const still = await readAt(ledger, 95, memory);
  assert.equal(still.hosts.get('a')?.lastStoredAtUs, 90, 'back, and still behind none of them');
  assert.deepEqual(ledger.marks.at(-1), '2');
});

test('another ledger: what was remembered is void', async () => {
  const ledger = new FakeLedger();
  ledger.add('a', 10);
  ledger.add('b', 200);
  const { memory } = await readAt(ledger, 100);
  const other = new FakeLedger();
  other.isReplaced = true;
  other.add('c', 1);
  const { hosts } = await readAt(other, 300, memory);
  assert.deepEqual([...hosts.keys()], ['c']);
});

test('too many rows ahead of the clock: nothing is remembered, and nothing is lost', async () => {
  const ledger = new FakeLedger();
  for (let index = 0; index < 4; index += 1) ledger.add(`h${index}`, 200 + index);
  const kept = await readAt(ledger, 100, undefined, 4);
  assert.equal(kept.memory?.aside.length, 4);
  const { hosts, memory } = await readAt(ledger, 100, undefined, 3);
  assert.equal(memory, undefined);
  assert.equal(hosts.size, 4);
});

test('a last row that has no newline yet counts in this run, and is not remembered', async () => {
  const ledger = new FakeLedger();
  ledger.add('a', 10);
  ledger.unended = { hostId: 'a', receivedAtUs: 20, commit: undefined };
  const first = await readAt(ledger, 100);
  assert.equal(first.hosts.get('a')?.lastStoredAtUs, 20);
  ledger.unended = undefined;
  assert.equal((await readAt(ledger, 100, first.memory)).hosts.get('a')?.lastStoredAtUs, 10);
});
