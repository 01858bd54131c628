// Beside the contract of every ledger: what is answered from which table.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { rowOf, SILENT, temporaryDirectory } from '../storage.fixture.ts';
import { LEDGER_START, LedgerView } from './ledger-view.ts';
import { openStateDatabase } from './state-database.ts';

function openView(t: TestContext): { view: LedgerView; database: DatabaseSync } {
  const database = openStateDatabase(join(temporaryDirectory(t), 'state.db'), SILENT);
  t.after(() => database.close());
  return { view: new LedgerView(database), database };
}

function row(seq: number, commit: string | null, received_at_wall: string): SequencedRow {
  return { ...rowOf(`e${seq}`, { commit, received_at_wall, bytes: 10 ** seq }), seq };
}

const ROWS = [
  row(1, 'c1', '2026-05-01T12:00:00+00:00'),
  row(2, 'c1', '2026-05-09T12:00:00+00:00'),
  row(3, null, '2026-05-01T12:00:00+00:00'),
  row(4, 'c2', 'no time'),
];
const TOTALS = [
  { key: null, episodes: 1, sizeBytes: 1_000 },
  { key: 'c1', episodes: 2, sizeBytes: 110 },
  { key: 'c2', episodes: 1, sizeBytes: 10_000 },
];

test('commits over all time cost a row each, however many days there are', (t) => {
  const { view, database } = openView(t);
  view.insert(ROWS.slice(0, 1), LEDGER_START);
  view.insert(ROWS.slice(1), LEDGER_START);
  assert.deepEqual(view.tallies({ by: 'commit', since: '2026-05-02' }), [{ key: 'c1', episodes: 1, sizeBytes: 100 }]);
  database.exec('DELETE FROM ledger_commit_days');
  assert.deepEqual(view.tallies({ by: 'commit' }), TOTALS);
});

test('a total per commit is undone with its transaction, and emptied with the rows', (t) => {
  const { view, database } = openView(t);
  view.insert(ROWS, LEDGER_START);
  database.exec("CREATE TRIGGER fails BEFORE INSERT ON ledger_position BEGIN SELECT raise(ABORT, 'no'); END");
  assert.throws(() => view.insert([row(5, 'c1', '2026-05-01T12:00:00+00:00')], LEDGER_START));
  database.exec('DROP TRIGGER fails');
  assert.deepEqual(view.tallies({ by: 'commit' }), TOTALS);
  view.clear();
  assert.deepEqual(view.tallies({ by: 'commit' }), []);
  view.insert(ROWS, LEDGER_START);
  assert.deepEqual(view.tallies({ by: 'commit' }), TOTALS);
});
