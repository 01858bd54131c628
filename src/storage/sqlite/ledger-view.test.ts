import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { isTombstone, type LedgerEntry, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { LedgerFilter } from '../ledger.ts';
import { rowOf, SILENT, temporaryDirectory, tombstoneOf } from '../storage.fixture.ts';
import { LEDGER_START, LedgerView } from './ledger-view.ts';
import { openStateDatabase } from './state-database.ts';

function openView(t: TestContext): { view: LedgerView; database: DatabaseSync } {
  const database = openStateDatabase(join(temporaryDirectory(t), 'state.db'), SILENT);
  t.after(() => database.close());
  return { view: new LedgerView(database), database };
}

/** One transaction each, as batches that follow each other. */
function insertEach(view: LedgerView, entries: readonly LedgerEntry[]): void {
  for (const entry of entries) view.insert([entry], LEDGER_START);
}

function rowsAt(times: readonly string[], firstSeq = 1): SequencedRow[] {
  return times.map((time, index) => {
    const seq = firstSeq + index;
    return { ...rowOf(`e${seq}`, { received_at_wall: time }), seq };
  });
}

function listed(view: LedgerView, filter: LedgerFilter, limit = 2): number[] {
  const scan = view.scan(filter);
  const seqs: number[] = [];
  for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
    const { rows, nextSeq } = scan(afterSeq, limit);
    assert.ok(rows.length <= limit);
    seqs.push(...rows.map(({ seq }) => seq));
    afterSeq = nextSeq;
  }
  return seqs;
}

const at = (time: string) => `2026-05-01T${time}:00.000000+00:00`;

test('a clock that steps back, over quarter hours and back again, hides no row', (t) => {
  const { view } = openView(t);
  insertEach(view, rowsAt(['07:00', '07:20', '06:10', '07:25', '06:12', '08:00', '07:21'].map(at)));
  for (const [since, until, expected] of [
    ['06:00', '06:30', [3, 5]],
    ['07:15', '07:30', [2, 4, 7]],
    ['07:21', '07:22', [7]],
    ['06:12', '07:01', [1, 5]],
    ['07:30', '09:00', [6]],
    ['08:15', '09:00', []],
  ] as const) {
    assert.deepEqual(listed(view, { since: at(since), until: at(until) }), expected, `${since} to ${until}`);
  }
  assert.deepEqual(listed(view, { since: at('07:20') }), [2, 4, 6, 7]);
  assert.deepEqual(listed(view, { until: at('07:00') }), [3, 5]);
});

test('times of older receivers compare as instants; one that does not parse matches no time and every other filter', (t) => {
  const { view } = openView(t);
  const times = [
    '2026-05-01T09:00:00+02:00',
    '2026-05-01T07:00:00Z',
    '2026-05-01 02:00:00.000001-05:00',
    'at seven',
    '2026-05-01T07:00:00',
    '0000-00-00T00:00:00+00:00',
  ];
  insertEach(view, rowsAt(times));
  assert.deepEqual(listed(view, { since: at('07:00') }), [1, 2, 3]);
  assert.deepEqual(listed(view, { since: at('07:00'), until: '2026-05-01T07:00:00.000001+00:00' }), [1, 2]);
  assert.deepEqual(listed(view, { until: at('23:00') }), [1, 2, 3]);
  assert.deepEqual(listed(view, { hostId: 'h1' }), [1, 2, 3, 4, 5, 6]);
});

test('one look is bounded, however few rows match, and says where the next begins', (t) => {
  const { view } = openView(t);
  const rows = rowsAt(Array.from({ length: 3000 }, () => at('07:00')));
  view.insert(rows, LEDGER_START);
  for (const filter of [
    { commit: 'none', hostId: 'h1' },
    { hostId: 'h1', since: at('07:00'), until: at('07:00') },
  ]) {
    const { rows: found, nextSeq } = view.scan(filter)(0, 10);
    assert.deepEqual(found, []);
    assert.ok(nextSeq !== undefined && nextSeq > 0 && nextSeq < 3000);
    assert.deepEqual(listed(view, filter), []);
  }
  assert.equal(view.scan({ hostId: 'nobody' })(0, 10).nextSeq, undefined);
  assert.deepEqual(view.scan({ since: at('07:15') })(0, 10), { rows: [], nextSeq: undefined });
});

test('a transaction that found no room leaves no tally of its rows', (t) => {
  const { view, database } = openView(t);
  insertEach(view, rowsAt([at('07:00')]));
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() ?? {};
  database.exec(`PRAGMA max_page_count = ${pages}`);
  const [big] = rowsAt([at('08:00')], 2);
  assert.ok(big);
  const huge = { ...big, path: 'x'.repeat(50_000) };
  assert.throws(() => view.insert([...rowsAt([at('08:00')], 3), { ...huge, seq: 4 }], LEDGER_START), {
    code: 'disk-full',
  });
  database.exec('PRAGMA max_page_count = 1000000');
  assert.equal(view.hosts()[0]?.episodes, 1);
  insertEach(view, rowsAt(['08:00', '08:01'].map(at), 3));
  assert.deepEqual(listed(view, { since: at('08:00') }), [3, 4]);
  assert.equal(view.hosts()[0]?.last.seq, 4);
});

test('after clear nothing is left of rows, tombstones and sums', (t) => {
  const { view } = openView(t);
  insertEach(view, [...rowsAt(['07:00', '08:00'].map(at)), { ...tombstoneOf('e1'), seq: 3 }]);
  view.clear();
  assert.deepEqual([view.lastSeq(), view.hosts(), view.read(0, 10), view.lookUp('h1', 'e1')], [0, [], [], {}]);
  insertEach(view, rowsAt([at('08:00')]));
  assert.deepEqual(listed(view, { since: at('08:00') }), [1]);
});

test('what an older process has inserted goes on in the next', (t) => {
  const { view, database } = openView(t);
  insertEach(view, rowsAt([at('07:00')]));
  const next = new LedgerView(database);
  insertEach(next, rowsAt(['07:01', '07:20'].map(at), 2));
  assert.deepEqual(listed(next, { since: at('07:00'), until: at('07:15') }), [1, 2]);
  assert.deepEqual(listed(next, { since: at('07:15') }), [3]);
});

// Times around the quarter hours, in the ways in which receivers have written them.
const instants = fc
  .integer({ min: -8, max: 40 })
  .chain((quarter) =>
    fc.constantFrom(-1, 0, 1, 449_999_999).map((offset) => BigInt(quarter) * 900_000_000n + BigInt(offset)),
  );
const wallTimes = fc
  .tuple(instants, fc.constantFrom('+00:00', '+02:00', '-05:30'))
  .map(([us, offset]) => Temporal.Instant.fromEpochNanoseconds(us * 1000n).toString({ timeZone: offset }));
const hostIds = fc.constantFrom('h1', 'h2', 'h3');
const episodeIds = fc.integer({ min: 0, max: 40 }).map((id) => `e${id}`);
const commits = fc.constantFrom('c1', 'c2', null, undefined);
const entries = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(episodeIds, hostIds, commits, fc.oneof({ weight: 9, arbitrary: wallTimes }, fc.constant('never')))
        .map(([id, host_id, commit, received_at_wall]) => rowOf(id, { host_id, commit, received_at_wall })),
    },
    { weight: 1, arbitrary: fc.tuple(episodeIds, hostIds).map(([id, host_id]) => tombstoneOf(id, { host_id })) },
  ),
  { maxLength: 60 },
);
const filters = fc.record(
  {
    hostId: fc.oneof(hostIds, fc.constant('h9')),
    commit: fc.constantFrom('c1', 'c2', 'c9'),
    since: wallTimes,
    until: wallTimes,
  },
  { requiredKeys: [] },
);

test('any rows, tombstones and clock: list is what a plain filter over all of them keeps, hosts is their sum', (t) => {
  const { view } = openView(t);
  fc.assert(
    fc.property(
      entries,
      fc.array(filters, { maxLength: 5 }),
      fc.integer({ min: 1, max: 9 }),
      (made, asked, batchSize) => {
        view.clear();
        const sequenced = made.map((entry, index) => ({ ...entry, seq: 2 * index + 1 }) as LedgerEntry);
        for (let start = 0; start < sequenced.length; start += batchSize) {
          view.insert(sequenced.slice(start, start + batchSize), LEDGER_START);
        }
        const firsts = firstOfEach(sequenced.filter((entry) => !isTombstone(entry)) as SequencedRow[]);
        const retracted = new Set(sequenced.filter(isTombstone).map(keyOf));
        const stored = firsts.filter((row) => !retracted.has(keyOf(row)));
        for (const filter of [{}, ...asked]) {
          const expected = stored.filter((row) => matches(row, filter)).map(({ seq }) => seq);
          for (const limit of [1, 3, 1000]) assert.deepEqual(listed(view, filter, limit), expected);
        }
        assert.deepEqual(
          view.hosts().map(({ hostId, episodes, sizeBytes, last }) => [hostId, episodes, sizeBytes, last.seq]),
          [...new Set(firsts.map((row) => row.host_id))].toSorted().map((hostId) => {
            const own = firsts.filter((row) => row.host_id === hostId);
            return [hostId, own.length, own.reduce((sum, { bytes }) => sum + bytes, 0), own.at(-1)?.seq];
          }),
        );
      },
    ),
    { numRuns: 150 },
  );
});

function keyOf(entry: LedgerEntry): string {
  return `${entry.host_id}/${entry.episode_id}`;
}

function firstOfEach(rows: readonly SequencedRow[]): SequencedRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => !seen.has(keyOf(row)) && seen.add(keyOf(row)));
}

function matches(row: SequencedRow, { hostId, commit, since, until }: LedgerFilter): boolean {
  if (hostId !== undefined && row.host_id !== hostId) return false;
  if (commit !== undefined && row.commit !== commit) return false;
  if (since === undefined && until === undefined) return true;
  if (row.received_at_wall === 'never') return false;
  const received = Temporal.Instant.from(row.received_at_wall);
  if (since !== undefined && Temporal.Instant.compare(received, since) < 0) return false;
  return until === undefined || Temporal.Instant.compare(received, until) < 0;
}
