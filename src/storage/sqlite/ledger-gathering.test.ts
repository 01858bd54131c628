// Many inserts as one transaction, while other changes of state.db go on.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { fillDisk, mountTmpfsOrSkip, rowOf, SILENT, temporaryDirectory } from '../storage.fixture.ts';
import { LEDGER_START, LedgerView } from './ledger-view.ts';
import { SqliteAttempts } from './sqlite-attempts.ts';
import { openStateDatabase } from './state-database.ts';

const MINUTE = { fromMinute: '2026-05-01T12:00', toMinute: '2026-05-01T12:00' };
const ATTEMPT = { hostId: 'h1', minute: MINUTE.fromMinute, outcome: '201', count: 1 };

function openIn(t: TestContext, directory: string) {
  const path = join(directory, 'state.db');
  const database = openStateDatabase(path, SILENT);
  const other = new DatabaseSync(path, { readOnly: true });
  t.after(() => {
    other.close();
    database.close();
  });
  return {
    database,
    view: new LedgerView(database),
    attempts: new SqliteAttempts(database),
    others: { rows: () => other.prepare('SELECT count(*) AS n FROM ledger_rows').get()?.['n'] },
  };
}

const row = (seq: number): SequencedRow => ({ ...rowOf(`e${seq}`), seq });

test('what is gathered is one transaction, with the changes that others make meanwhile', async (t) => {
  const { database, view, attempts, others } = openIn(t, temporaryDirectory(t));
  view.gather();
  view.insert([row(1)], { ...LEDGER_START, lastSeq: 1 });
  await attempts.add([ATTEMPT]);
  view.insert([row(2)], { ...LEDGER_START, lastSeq: 2 });
  assert.equal(others.rows(), 0);
  view.save();
  assert.equal(others.rows(), 2);
  assert.equal(database.isTransaction, false);
  assert.equal(view.position().lastSeq, 2);
  assert.deepEqual(await attempts.read(MINUTE), [ATTEMPT]);
  view.insert([row(3)], { ...LEDGER_START, lastSeq: 3 });
  assert.equal(others.rows(), 3);
});

test('another change that fails takes nothing of what was gathered back', async (t) => {
  const { database, view, attempts } = openIn(t, temporaryDirectory(t));
  view.gather();
  view.insert([row(1)], { ...LEDGER_START, lastSeq: 1 });
  database.exec(
    "CREATE TRIGGER fails BEFORE INSERT ON attempts WHEN NEW.host_id = 'h2' BEGIN SELECT raise(ABORT, 'no'); END",
  );
  await assert.rejects(attempts.add([ATTEMPT, { ...ATTEMPT, hostId: 'h2' }]), /no/);
  view.save();
  assert.equal(view.lastSeq(), 1);
  assert.deepEqual(await attempts.read(MINUTE), []);
});

test('an insert that fails takes back all that was gathered, sums too', (t) => {
  const { database, view } = openIn(t, temporaryDirectory(t));
  view.insert([row(1)], { ...LEDGER_START, lastSeq: 1 });
  view.gather();
  view.insert([row(2)], { ...LEDGER_START, lastSeq: 2 });
  database.exec("CREATE TRIGGER fails BEFORE INSERT ON ledger_rows BEGIN SELECT raise(ABORT, 'no'); END");
  assert.throws(() => view.insert([row(3)], { ...LEDGER_START, lastSeq: 3 }), /no/);
  assert.equal(database.isTransaction, false);
  assert.deepEqual([view.position().lastSeq, view.lastSeq()], [1, 1]);
  view.save();
  view.insert([row(2)], { ...LEDGER_START, lastSeq: 2 });
  assert.equal(view.hosts()[0]?.episodes, 2);
  assert.equal(view.tallies({ by: 'day' })[0]?.episodes, 2);
});

test('a full disk that has ended the transaction at another change: nothing is inserted behind what is lost', (t) => {
  const { database, view } = openIn(t, temporaryDirectory(t));
  view.gather();
  view.insert([row(1)], { ...LEDGER_START, lastSeq: 1 });
  database.exec('ROLLBACK');
  assert.throws(() => view.insert([row(2)], { ...LEDGER_START, lastSeq: 2 }), { code: 'disk-full' });
  assert.deepEqual([view.position().lastSeq, view.lastSeq()], [0, 0]);
  view.gather();
  view.insert([row(1)], { ...LEDGER_START, lastSeq: 1 });
  database.exec('ROLLBACK');
  assert.throws(() => view.save(), { code: 'disk-full' });
  view.insert([row(1), row(2)], { ...LEDGER_START, lastSeq: 2 });
  assert.deepEqual([view.position().lastSeq, view.lastSeq()], [2, 2]);
});

test('no room to save: disk-full, nothing of it is there, and after room was made all of it is', async (t) => {
  const directory = join(temporaryDirectory(t), 'small');
  mkdirSync(directory);
  if (!mountTmpfsOrSkip(t, directory, 'size=4m')) return;
  const { database, view } = openIn(t, directory);
  const rows = Array.from({ length: 2_000 }, (_, index) => row(index + 1));
  const filler = await fillDisk(directory);
  const gatherAll = () => {
    view.gather();
    view.insert(rows, { ...LEDGER_START, lastSeq: rows.length });
    view.save();
  };
  assert.throws(gatherAll, { code: 'disk-full' });
  assert.equal(database.isTransaction, false);
  assert.deepEqual([view.position().lastSeq, view.lastSeq()], [0, 0]);
  await filler.release();
  gatherAll();
  assert.equal(view.hosts()[0]?.episodes, rows.length);
});
