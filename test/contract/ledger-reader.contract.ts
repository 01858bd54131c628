// What every LedgerReader does that follows a ledger, whatever is behind it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { LedgerReader, StoredAt } from '../../src/storage/ledger-reader.ts';
import { appendedRow, type LedgerUnderTest, rowOf, tombstoneOf } from './ledger-fixture.ts';

export type OpenLedgerReader = (t: TestContext) => Promise<LedgerUnderTest & { reader: LedgerReader }>;

interface Followed {
  isAnew: boolean;
  rows: StoredAt[];
  mark: string;
  badLines: number;
}

async function follow(reader: LedgerReader, mark?: string): Promise<Followed> {
  const news = await reader.follow(mark);
  const rows = (await Array.fromAsync(news.rows)).flat();
  return { isAnew: news.isAnew, rows, mark: news.mark(), badLines: news.badLines() };
}

const AT_US = Date.UTC(2026, 4, 1, 6, 37, 53) * 1000 + 830_599;

export function describeLedgerReader(name: string, open: OpenLedgerReader): void {
  describe(`LedgerReader on ${name}`, () => {
    test('follow: each row once, in order, beside the writer; what it says of host, time and commit', async (t) => {
      const { ledger, reader } = await open(t);
      const empty = await follow(reader);
      assert.deepEqual([empty.isAnew, empty.rows, empty.badLines], [true, [], 0]);
      await appendedRow(ledger, rowOf('e1'));
      const { commit: _, ...old } = rowOf('e2', { received_at_wall: '2026-05-01T06:37:53.830600+00:00' });
      await appendedRow(ledger, old);
      const first = await follow(reader, empty.mark);
      const row: StoredAt = { hostId: 'host-1', receivedAtUs: AT_US, commit: 'd'.repeat(40) };
      assert.deepEqual(first.rows, [row, { ...row, receivedAtUs: AT_US + 1, commit: undefined }]);
      assert.equal(first.isAnew, false);
      await appendedRow(ledger, rowOf('e3', { commit: 'e'.repeat(64), gate: { head: null, source: 'static' } }));
      const second = await follow(reader, first.mark);
      assert.deepEqual(second.rows, [{ ...row, commit: 'e'.repeat(64) }]);
      assert.deepEqual((await follow(reader, second.mark)).rows, []);
    });

    test('follow: a tombstone is no row and no bad line', async (t) => {
      const { ledger, reader } = await open(t);
      await appendedRow(ledger, rowOf('e1'));
      await ledger.retract(tombstoneOf('e1'));
      const { rows, badLines } = await follow(reader);
      assert.deepEqual([rows.length, badLines], [1, 0]);
    });

    test('follow: a mark outlives whoever made it, and the writer', async (t) => {
      const { ledger, reader, reopen } = await open(t);
      for (let index = 0; index < 50; index += 1) await appendedRow(ledger, rowOf(`e${index}`));
      const { mark, rows } = await follow(reader);
      assert.equal(rows.length, 50);
      await appendedRow(await reopen(), rowOf('later', { host_id: 'host-2' }));
      const more = await follow(reader, mark);
      assert.deepEqual([more.isAnew, more.rows.map(({ hostId }) => hostId)], [false, ['host-2']]);
    });

    test('follow: a mark of another ledger, and what is no mark, is read anew', async (t) => {
      const [one, other] = [await open(t), await open(t)];
      for (const { ledger } of [one, other]) await appendedRow(ledger, rowOf('e1'));
      const { mark } = await follow(other.reader);
      for (const wrong of [mark, '', 'x', '{}', undefined]) {
        const read = await follow(one.reader, wrong);
        assert.deepEqual([read.isAnew, read.rows.length], [true, 1]);
      }
    });
  });
}
