// What every Ledger sums up, whatever is behind it: episodes and bytes by day, host and commit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger, Tally, TallyQuestion } from '../../src/storage/ledger.ts';
import { type OpenLedger, rowOf, tombstoneOf } from './ledger-fixture.ts';

const [C1, C2] = ['1'.repeat(40), '2'.repeat(40)];

interface Stored {
  host: string;
  commit: string | null;
  at: string;
  bytes: number;
}

/** In the order of the ledger: a clock steps back over days, ahead by a year, and back again. */
const STORED: Stored[] = [
  { host: 'h1', commit: C1, at: '2026-05-01T23:59:59.999999+00:00', bytes: 1 },
  { host: 'h1', commit: C1, at: '2026-05-02T00:00:00.000000+00:00', bytes: 20 },
  { host: 'h2', commit: null, at: '2026-05-02T12:00:00.000000+00:00', bytes: 300 },
  { host: 'h1', commit: C2, at: '2026-05-04T12:00:00.000000+00:00', bytes: 4_000 },
  { host: 'h1', commit: C1, at: '2026-05-02T12:00:00.000000+00:00', bytes: 50_000 },
  { host: 'h1', commit: C1, at: '2027-05-02T12:00:00.000000+00:00', bytes: 600_000 },
  { host: 'h2', commit: C2, at: '2026-05-04T13:00:00.000000+00:00', bytes: 7_000_000 },
  { host: 'h1', commit: C2, at: '2026-05-03T13:00:00.000000+00:00', bytes: 80_000_000 },
  // An older receiver wrote it, by a clock that was somewhere else.
  { host: 'h3', commit: C1, at: '2026-05-02T01:00:00+02:00', bytes: 900_000_000 },
  { host: 'h3', commit: C1, at: 'yesterday', bytes: 5 },
];

const QUESTIONS: Omit<TallyQuestion, 'by'>[] = [
  {},
  { since: '2026-05-02' },
  { until: '2026-05-02' },
  { since: '2026-05-02', until: '2026-05-03' },
  { since: '2026-05-02', until: '2026-05-05' },
  { since: '2026-05-03', until: '2026-05-04' },
  { since: '2026-05-05', until: '2027-05-02' },
  { since: '2027-05-02' },
  { since: '2026-05-04', until: '2026-05-02' },
];

export function describeTallies(open: OpenLedger): void {
  for (const by of ['day', 'host', 'commit'] as const) {
    for (const question of QUESTIONS) {
      test(`tallies by ${by}, ${JSON.stringify(question)}`, async (t) => {
        const { ledger, reopen } = await open(t);
        await store(ledger, STORED.slice(0, 6), 'one by one');
        await store(ledger, STORED.slice(6), 'all at once');
        for (const opened of [async () => ledger, reopen]) {
          assert.deepEqual(await (await opened()).tallies({ by, ...question }), expected({ by, ...question }));
        }
      });
    }
  }

  test('tallies: an episode counts once, whatever is sent again, and when it was retracted', async (t) => {
    const { ledger, reopen } = await open(t);
    assert.deepEqual(await ledger.tallies({ by: 'host' }), []);
    const row = rowOf('e1', { bytes: 7 });
    await ledger.append(row);
    await ledger.append({ ...row, bytes: 1_000 });
    await ledger.append({ ...row, sha256: 'b'.repeat(64) });
    await ledger.retract(tombstoneOf('e1'));
    for (const opened of [async () => ledger, reopen]) {
      assert.deepEqual(await (await opened()).tallies({ by: 'day' }), [
        { key: '2026-05-01', episodes: 1, sizeBytes: 7 },
      ]);
    }
  });

  test('tallies refuse a day that is none', async (t) => {
    const { ledger } = await open(t);
    for (const since of ['2026-02-30', '2026-5-1', '2026-05-01T00:00:00Z', '']) {
      await assert.rejects(ledger.tallies({ by: 'day', since }), RangeError);
      await assert.rejects(ledger.tallies({ by: 'day', until: since }), RangeError);
    }
  });

  test('commitsOf: what one host has stored of each, the commit of its last row first', async (t) => {
    const { ledger, reopen } = await open(t);
    await store(ledger, STORED, 'one by one');
    const rows = await ledger.read(0, 100);
    const seqOf = (index: number) => rows[index]?.seq;
    for (const opened of [async () => ledger, reopen]) {
      const state = await opened();
      assert.deepEqual(await state.commitsOf('h1'), [
        { commit: C2, episodes: 2, sizeBytes: 80_004_000, lastSeq: seqOf(7) },
        { commit: C1, episodes: 4, sizeBytes: 650_021, lastSeq: seqOf(5) },
      ]);
      assert.deepEqual(await state.commitsOf('h2'), [
        { commit: C2, episodes: 1, sizeBytes: 7_000_000, lastSeq: seqOf(6) },
        { commit: null, episodes: 1, sizeBytes: 300, lastSeq: seqOf(2) },
      ]);
      assert.deepEqual(await state.commitsOf('h'), []);
    }
  });
}

async function store(ledger: Ledger, rows: readonly Stored[], how: 'one by one' | 'all at once'): Promise<void> {
  const append = ({ host, commit, at, bytes }: Stored) =>
    ledger.append(rowOf(`e-${at}-${bytes}`, { host_id: host, commit, received_at_wall: at, bytes }));
  if (how === 'all at once') await Promise.all(rows.map(append));
  else for (const row of rows) await append(row);
}

/** By looking at each row. */
function expected({ by, since = '', until = '9999' }: TallyQuestion): Tally[] {
  const isAll = since === '' && until === '9999';
  const byKey = new Map<string | null, Tally>();
  for (const { host, commit, at, bytes } of STORED) {
    const timeMs = Date.parse(at);
    const day = Number.isNaN(timeMs) ? undefined : new Date(timeMs).toISOString().slice(0, 10);
    if (day === undefined ? by === 'day' || !isAll : day < since || day >= until) continue;
    const key = by === 'day' ? (day ?? null) : by === 'host' ? host : commit;
    const tally = byKey.getOrInsertComputed(key, () => ({ key, episodes: 0, sizeBytes: 0 }));
    tally.episodes += 1;
    tally.sizeBytes += bytes;
  }
  return [...byKey.values()].toSorted((one, other) => ((one.key ?? '') < (other.key ?? '') ? -1 : 1));
}
