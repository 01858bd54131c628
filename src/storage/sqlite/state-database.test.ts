import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fillDisk, mountTmpfsOrSkip, recordingLogger, SILENT, temporaryDirectory } from '../storage.fixture.ts';
import { SqliteAttempts } from './sqlite-attempts.ts';
import { onStateDatabase, openStateDatabase } from './state-database.ts';

test('what was written is there again after close and open', async (t) => {
  const path = join(temporaryDirectory(t), 'state.db');
  const database = openStateDatabase(path, SILENT);
  await new SqliteAttempts(database).add([{ hostId: 'h1', minute: '2026-05-01T06:37', outcome: 'stored', count: 1 }]);
  database.close();
  const { logger, records } = recordingLogger();
  const again = openStateDatabase(path, logger);
  assert.equal(again.prepare('SELECT count(*) AS n FROM attempts').get()?.['n'], 1);
  assert.deepEqual(records, []);
  again.close();
});

for (const [what, version, tables] of [
  ['an older release', 1, 'CREATE TABLE ledger_rows (seq)'],
  ['a later release', 99, 'CREATE TABLE ledger_rows (seq)'],
  [
    'the release before, with its tables',
    2,
    'CREATE TABLE ledger_rows (seq INTEGER PRIMARY KEY, host_id, episode_id, row)',
  ],
  [
    'the release before, without the times of first receipt',
    3,
    'CREATE TABLE heartbeats (host_id, machine, boot_id, received_at_wall, heartbeat, received_order)',
  ],
  ['a stranger, under our version', 4, 'CREATE TABLE strange (a)'],
] as const) {
  test(`state.db of ${what} is set aside and begun anew`, (t) => {
    const path = join(temporaryDirectory(t), 'state.db');
    const foreign = new DatabaseSync(path);
    foreign.exec(`${tables}; PRAGMA user_version = ${version}`);
    foreign.close();
    const { logger, records } = recordingLogger();
    const database = openStateDatabase(path, logger);
    assert.equal(database.prepare('SELECT count(*) AS n FROM heartbeats').get()?.['n'], 0);
    database.close();
    const aside = new DatabaseSync(`${path}.damaged`, { readOnly: true });
    assert.equal(aside.prepare('PRAGMA user_version').get()?.['user_version'], version);
    aside.close();
    assert.equal(records.length, 1);
  });
}

test('state.db that another process holds is neither set aside nor touched', (t) => {
  const path = join(temporaryDirectory(t), 'state.db');
  openStateDatabase(path, SILENT).close();
  const other = new DatabaseSync(path);
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (a);');
  assert.throws(() => openStateDatabase(path, SILENT), /locked/);
  other.close();
  assert.equal(existsSync(`${path}.damaged`), false);
  openStateDatabase(path, SILENT).close();
});

test('state.db on a full disk: refused, and never set aside for it', async (t) => {
  const small = join(temporaryDirectory(t), 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const path = join(small, 'state.db');
  const database = openStateDatabase(path, SILENT);
  database.exec("INSERT INTO heartbeats VALUES ('h1', 'm1', 'b1', 'then', 'now', '{}', 1)");
  database.close();
  const filler = await fillDisk(small);
  assert.throws(() => openStateDatabase(path, SILENT), { code: 'disk-full' });
  assert.throws(() => openStateDatabase(join(small, 'new.db'), SILENT), { code: 'disk-full' });
  await filler.release();
  const again = openStateDatabase(path, SILENT);
  assert.equal(again.prepare('SELECT count(*) AS n FROM heartbeats').get()?.['n'], 1);
  again.close();
  assert.equal(existsSync(`${path}.damaged`), false);
});

test('damage that is met at work condemns the file: the next start begins anew, once', (t) => {
  const path = join(temporaryDirectory(t), 'state.db');
  const database = openStateDatabase(path, SILENT);
  database.exec("INSERT INTO heartbeats VALUES ('h1', 'm1', 'b1', 'then', 'now', 'not JSON', 1)");
  assert.throws(
    () =>
      onStateDatabase(database, () =>
        JSON.parse(String(database.prepare('SELECT * FROM heartbeats').get()?.['heartbeat'])),
      ),
    { code: 'sync-failed' },
  );
  database.close();
  const again = openStateDatabase(path, SILENT);
  assert.equal(again.prepare('SELECT count(*) AS n FROM heartbeats').get()?.['n'], 0);
  again.exec("INSERT INTO heartbeats VALUES ('h1', 'm1', 'b1', 'then', 'now', '{}', 1)");
  again.close();
  const third = openStateDatabase(path, SILENT);
  assert.equal(third.prepare('SELECT count(*) AS n FROM heartbeats').get()?.['n'], 1);
  third.close();
});

test('a condemned file that a crash has already moved away is no hindrance', (t) => {
  const path = join(temporaryDirectory(t), 'state.db');
  writeFileSync(`${path}.condemned`, '');
  openStateDatabase(path, SILENT).close();
  assert.equal(existsSync(`${path}.condemned`), false);
});
