// What every Ledger lists, whatever is behind it: pages of what is stored now, and what each host has stored.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SequencedRow } from '../../src/protocol/ledger-row.ts';
import type { Ledger, LedgerFilter } from '../../src/storage/ledger.ts';
import { appendedRow, type OpenLedger, rowOf, tombstoneOf } from './ledger-fixture.ts';

const [C1, C2] = ['1'.repeat(40), '2'.repeat(40)];

export function describeListing(open: OpenLedger): void {
  const filters: [string, LedgerFilter, string[]][] = [
    ['nothing', {}, ['a', 'b', 'c', 'd']],
    ['a host', { hostId: 'h1' }, ['a', 'c']],
    ['a host that there is not', { hostId: 'h' }, []],
    ['a commit', { commit: C1 }, ['a', 'b']],
    ['a commit that there is not', { commit: '3'.repeat(40) }, []],
    ['host and commit', { hostId: 'h1', commit: C1 }, ['a']],
    ['since a time, which counts', { since: timeOf('07:15:00.000000') }, ['b', 'c', 'd']],
    ['since a microsecond later', { since: timeOf('07:15:00.000001') }, ['c', 'd']],
    ['until a time, which does not count', { until: timeOf('07:15:00.000000') }, ['a']],
    ['until a microsecond later', { until: timeOf('07:15:00.000001') }, ['a', 'b']],
    ['a span within a quarter hour', { since: timeOf('07:16:00.000000'), until: timeOf('07:17:00.000000') }, ['c']],
    ['a span without rows', { since: timeOf('07:20:00.000000'), until: timeOf('07:30:00.000000') }, []],
    ['a span that ends before it begins', { since: timeOf('08:00:00.000000'), until: timeOf('07:00:00.000000') }, []],
    [
      'all of it',
      { hostId: 'h2', commit: C1, since: timeOf('07:00:00.000000'), until: timeOf('08:00:00.000000') },
      ['b'],
    ],
  ];
  for (const [what, filter, expected] of filters) {
    test(`list by ${what}`, async (t) => {
      const { ledger, reopen } = await open(t);
      await appendFour(ledger);
      for (const opened of [async () => ledger, reopen]) {
        const state = await opened();
        assert.deepEqual(await listedIds(state, filter), expected);
      }
    });
  }

  test('list gives rows as they were appended, in order of seq, from above afterSeq', async (t) => {
    const { ledger } = await open(t);
    const rows = await appendFour(ledger);
    assert.deepEqual(await ledger.list({}, 0, 10), { rows, nextAfterSeq: undefined });
    assert.deepEqual((await ledger.list({}, rows[1]?.seq ?? 0, 10)).rows, rows.slice(2));
    assert.deepEqual(await ledger.list({}, rows[3]?.seq ?? 0, 10), { rows: [], nextAfterSeq: undefined });
  });

  test('list goes on where it ended; a page that ends with the last row is the last', async (t) => {
    const { ledger } = await open(t);
    const rows = await appendFour(ledger);
    const first = await ledger.list({}, 0, 2);
    assert.deepEqual(first.rows, rows.slice(0, 2));
    assert.ok(first.nextAfterSeq !== undefined);
    assert.deepEqual(await ledger.list({}, first.nextAfterSeq, 2), { rows: rows.slice(2), nextAfterSeq: undefined });
  });

  test('retracted episodes are not listed', async (t) => {
    const { ledger, reopen } = await open(t);
    await appendFour(ledger);
    await ledger.retract(tombstoneOf('a', 'h1'));
    await ledger.retract(tombstoneOf('d', 'h3'));
    for (const opened of [async () => ledger, reopen]) {
      const state = await opened();
      assert.deepEqual(await listedIds(state, {}), ['b', 'c']);
      assert.deepEqual(await listedIds(state, { hostId: 'h1' }), ['c']);
      assert.deepEqual(await listedIds(state, { commit: C1 }), ['b']);
      assert.deepEqual(await listedIds(state, { withRetracted: true }), ['a', 'b', 'c', 'd']);
      assert.deepEqual(await listedIds(state, { hostId: 'h1', withRetracted: true }), ['a', 'c']);
    }
  });

  test('a few among many thousands are all found, page by page', async (t) => {
    const { ledger } = await open(t);
    const rare = new Set([0, 2999, 3000, 9999]);
    await Promise.all(
      Array.from({ length: 10_000 }, (_, index) =>
        ledger.append(rowOf(`e${index}`, { commit: rare.has(index) ? C2 : C1 })),
      ),
    );
    assert.deepEqual(await listedIds(ledger, { hostId: 'host-1', commit: C2 }), ['e0', 'e2999', 'e3000', 'e9999']);
    assert.equal((await listedIds(ledger, { commit: C1 }, 700)).length, 9996);
    assert.deepEqual(await newestIds(ledger, { hostId: 'host-1', commit: C2 }), ['e9999', 'e3000', 'e2999', 'e0']);
    assert.deepEqual(
      (await ledger.newest({}, undefined, 2)).rows.map((row) => row.episode_id),
      ['e9999', 'e9998'],
    );
  });

  for (const [what, filter, expected] of filters) {
    test(`newest by ${what}: the same rows, from the last one down`, async (t) => {
      const { ledger, reopen } = await open(t);
      await appendFour(ledger);
      for (const opened of [async () => ledger, reopen]) {
        assert.deepEqual(await newestIds(await opened(), filter), expected.toReversed());
      }
    });
  }

  test('newest begins below a seq, and goes on where it ended; a page that ends with the first row is the last', async (t) => {
    const { ledger } = await open(t);
    const rows = await appendFour(ledger);
    const first = await ledger.newest({}, undefined, 2);
    assert.deepEqual(first.rows, rows.slice(2).toReversed());
    assert.equal(first.nextBeforeSeq, rows[2]?.seq);
    const rest = await ledger.newest({}, first.nextBeforeSeq, 2);
    assert.deepEqual(rest, { rows: rows.slice(0, 2).toReversed(), nextBeforeSeq: undefined });
    assert.deepEqual(await ledger.newest({}, rows[0]?.seq, 2), { rows: [], nextBeforeSeq: undefined });
  });

  test('newest: retracted episodes are left out, unless they are asked for', async (t) => {
    const { ledger } = await open(t);
    await appendFour(ledger);
    await ledger.retract(tombstoneOf('d', 'h3'));
    assert.deepEqual(await newestIds(ledger, {}), ['c', 'b', 'a']);
    assert.deepEqual(await newestIds(ledger, { withRetracted: true }), ['d', 'c', 'b', 'a']);
  });

  test('hosts: what each has stored, by host; retracted episodes count, repeated ones do not', async (t) => {
    const { ledger, reopen } = await open(t);
    assert.deepEqual(await ledger.hosts(), []);
    const [a, b, c, d] = await appendFour(ledger);
    await ledger.append(rowOf('a', { host_id: 'h1', bytes: 1000 }));
    await ledger.retract(tombstoneOf('c', 'h1'));
    for (const opened of [async () => ledger, reopen]) {
      const state = await opened();
      assert.deepEqual(await state.hosts(), [
        { hostId: 'h1', episodes: 2, sizeBytes: (a?.bytes ?? 0) + (c?.bytes ?? 0), last: c },
        { hostId: 'h2', episodes: 1, sizeBytes: b?.bytes, last: b },
        { hostId: 'h3', episodes: 1, sizeBytes: d?.bytes, last: d },
      ]);
    }
  });
}

/** Received at 07:14:59.999999, 07:15, 07:16 and 09:00. */
async function appendFour(ledger: Ledger): Promise<SequencedRow[]> {
  return [
    await appendedRow(ledger, rowAt('a', 'h1', C1, '07:14:59.999999', 1)),
    await appendedRow(ledger, rowAt('b', 'h2', C1, '07:15:00.000000', 20)),
    await appendedRow(ledger, rowAt('c', 'h1', C2, '07:16:00.000000', 300)),
    await appendedRow(ledger, rowAt('d', 'h3', null, '09:00:00.000000', 4000)),
  ];
}

function rowAt(id: string, host_id: string, commit: string | null, time: string, bytes: number) {
  return rowOf(id, { host_id, commit, received_at_wall: timeOf(time), bytes });
}

function timeOf(time: string): string {
  return `2026-05-01T${time}+00:00`;
}

async function listedIds(ledger: Ledger, filter: LedgerFilter, limit = 3): Promise<string[]> {
  const ids: string[] = [];
  for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
    const page = await ledger.list(filter, afterSeq, limit);
    assert.ok(page.rows.length <= limit);
    assert.ok(
      page.nextAfterSeq === undefined || page.nextAfterSeq > afterSeq,
      'the next page begins where this one did',
    );
    ids.push(...page.rows.map((row) => row.episode_id));
    afterSeq = page.nextAfterSeq;
  }
  return ids;
}

async function newestIds(ledger: Ledger, filter: LedgerFilter, limit = 3): Promise<string[]> {
  const ids: string[] = [];
  for (let beforeSeq: number | undefined = Number.MAX_SAFE_INTEGER; beforeSeq !== undefined; ) {
    const page = await ledger.newest(filter, beforeSeq, limit);
    assert.ok(page.rows.length <= limit);
    assert.ok(page.nextBeforeSeq === undefined || page.nextBeforeSeq < beforeSeq, 'the next page begins further down');
    ids.push(...page.rows.map((row) => row.episode_id));
    beforeSeq = page.nextBeforeSeq;
  }
  return ids;
}
