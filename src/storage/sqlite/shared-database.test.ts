import assert from 'node:assert/strict';
import { mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AlertOfRun, RunChange } from '../monitor-state.ts';
import { fillDisk, mountTmpfsOrSkip, OtherProcess, temporaryDirectory } from '../storage.fixture.ts';
import { openSharedDatabase, whenFree } from './shared-database.ts';
import { CONTROL_MIGRATIONS, SqliteControl } from './sqlite-control.ts';
import { SqliteMonitorState } from './sqlite-monitor-state.ts';

const MIGRATIONS = [
  'CREATE TABLE things (old TEXT PRIMARY KEY) STRICT',
  'ALTER TABLE things RENAME COLUMN old TO name',
  "INSERT INTO things VALUES ('first')",
];
const LATER = [...MIGRATIONS, 'CREATE TABLE more (name TEXT) STRICT'];

const ALERT: AlertOfRun = {
  id: 'a1',
  host: 'h1',
  symptom: 'silent',
  severity: 'critical',
  detail: 'd',
  suggestedFix: 'f',
  state: 'firing',
  firstAt: '2026-05-01T00:00:00.000000+00:00',
  lastAt: '2026-05-01T00:00:00.000000+00:00',
  resolvedAt: null,
  goodRuns: 0,
  suppressedBy: null,
  silencedBy: null,
  notifiedAt: null,
};

function runWith(alerts: AlertOfRun[], memory = ''): RunChange {
  return { alerts, notifications: [], memory, ranAt: ALERT.lastAt, forgetResolvedBefore: '' };
}

test('made with its tables, its version, each commit fsynced, for its owner alone', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  const database = await openSharedDatabase(path, MIGRATIONS);
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 3);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  assert.equal(database.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  database.exec("INSERT INTO things VALUES ('kept')");
  database.close();
  const again = await openSharedDatabase(path, MIGRATIONS);
  assert.deepEqual(namesIn(again), ['first', 'kept']);
  again.close();
});

for (let version = 1; version <= 3; version += 1) {
  test(`a database of version ${version} is brought to the newest, with what is in it`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.db');
    const old = await openSharedDatabase(path, MIGRATIONS.slice(0, version));
    old.exec("INSERT INTO things VALUES ('kept')");
    const [one, other] = await Promise.all([openSharedDatabase(path, LATER), openSharedDatabase(path, LATER)]);
    assert.equal(one.prepare('PRAGMA user_version').get()?.['user_version'], 4);
    assert.deepEqual(namesIn(other), ['first', 'kept']);
    assert.equal(one.prepare('SELECT count(*) AS n FROM more').get()?.['n'], 0);
    for (const database of [old, one, other]) database.close();
  });
}

test('a migration that fails leaves the database as it was', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  (await openSharedDatabase(path, MIGRATIONS)).close();
  await assert.rejects(openSharedDatabase(path, [...LATER, 'INSERT INTO nowhere VALUES (1)']));
  const database = await openSharedDatabase(path, MIGRATIONS);
  assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'more'").get()?.['n'], 0);
  database.close();
});

test('monitor.db of version 1, which kept nothing of worth, becomes one of today', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const old = await openSharedDatabase(path, [
    'CREATE TABLE claims (dedup_key TEXT PRIMARY KEY) STRICT; CREATE TABLE leases (name TEXT PRIMARY KEY) STRICT',
  ]);
  old.close();
  const state = await SqliteMonitorState.open(path);
  await state.applyRun(runWith([ALERT]));
  assert.equal((await state.firingAlerts()).length, 1);
  await state.close();
  const tables = new DatabaseSync(path).prepare("SELECT name FROM sqlite_master WHERE name IN ('claims', 'leases')");
  assert.deepEqual(tables.all(), []);
});

test('control.db of version 1 keeps its decisions', async (t) => {
  const path = join(temporaryDirectory(t), 'control.db');
  const old = await openSharedDatabase(path, CONTROL_MIGRATIONS.slice(0, 1));
  old.exec("INSERT INTO revoked_tokens VALUES ('fleet', 'then')");
  old.close();
  const control = await SqliteControl.open(path);
  assert.equal(await control.isTokenRevoked('fleet'), true);
  assert.deepEqual(await control.listRetiredHosts(), []);
  await control.close();
});

test('a database of a later release is refused and left as it is', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  (await openSharedDatabase(path, LATER)).close();
  await assert.rejects(openSharedDatabase(path, MIGRATIONS), {
    code: 'database-newer',
    message: /schema 4, known here 3/,
  });
  (await openSharedDatabase(path, LATER)).close();
});

test('a damaged database is refused, never begun anew', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  writeFileSync(path, Buffer.alloc(9000, 0xa5));
  await assert.rejects(openSharedDatabase(path, MIGRATIONS), { code: 'database-damaged' });
  assert.equal(statSync(path).size, 9000);
});

test('damage that is met only when it is read says so', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  const made = await openSharedDatabase(path, MIGRATIONS);
  made.exec(
    "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO things SELECT 'x' || i FROM n",
  );
  made.close();
  truncateSync(path, 4096 * 3);
  await assert.rejects(
    async () => {
      const database = await openSharedDatabase(path, MIGRATIONS);
      try {
        await whenFree(database, () => database.prepare('SELECT count(*) FROM things').get());
      } finally {
        database.close();
      }
    },
    { code: 'database-damaged' },
  );
});

test('a writer waits for another one, and meanwhile the event loop turns', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const state = await SqliteMonitorState.open(path);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let isApplied = false;
  const applying = state.applyRun(runWith([ALERT])).then(() => {
    isApplied = true;
  });
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  assert.equal(isApplied, false);
  other.exec('ROLLBACK');
  await applying;
  assert.equal((await state.firingAlerts()).length, 1);
  other.close();
  await state.close();
});

test('processes that open the same new database and write at once: none loses anything', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const sourceOf = (name: string) => `
    import { SqliteMonitorState } from './sqlite/sqlite-monitor-state.ts';
    console.log('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdin.destroy();
    const state = await SqliteMonitorState.open(${JSON.stringify(path)});
    const run = ${JSON.stringify(runWith([ALERT]))};
    for (let count = 0; count < 30; count += 1) {
      await state.applyRun({ ...run, alerts: [{ ...run.alerts[0], id: '${name}-' + count }] });
    }
    console.log('done');
    await state.close();`;
  const processes = ['x', 'y', 'z'].map((name) => new OtherProcess(t, sourceOf(name)));
  for (const one of processes) assert.equal(await one.nextLine(), 'ready');
  for (const one of processes) one.goOn();
  for (const one of processes) assert.equal(await one.nextLine(), 'done');
  const state = await SqliteMonitorState.open(path);
  assert.equal((await state.firingAlerts()).length, 90);
  await state.close();
});

test('a run whose process was killed right after it stays applied', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const other = new OtherProcess(
    t,
    `import { SqliteMonitorState } from './sqlite/sqlite-monitor-state.ts';
     const state = await SqliteMonitorState.open(${JSON.stringify(path)});
     await state.applyRun(${JSON.stringify(runWith([ALERT], 'remembered'))});
     console.log('applied');
     process.stdin.resume();`,
  );
  assert.equal(await other.nextLine(), 'applied');
  await other.kill();
  const state = await SqliteMonitorState.open(path);
  assert.equal(await state.memory(), 'remembered');
  assert.equal((await state.firingAlerts()).length, 1);
  await state.close();
});

test('disk full: disk-full, what was there stays, and it goes on after room was made', async (t) => {
  const small = join(temporaryDirectory(t), 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const state = await SqliteMonitorState.open(join(small, 'monitor.db'));
  await state.applyRun(runWith([ALERT], 'before'));
  const filler = await fillDisk(small);
  await assert.rejects(
    async () => {
      for (let count = 0; count < 1000; count += 1) await state.applyRun(runWith([], 'x'.repeat(3000 + count)));
    },
    { code: 'disk-full' },
  );
  await filler.release();
  assert.equal((await state.firingAlerts()).length, 1);
  await state.applyRun(runWith([], 'after'));
  assert.equal(await state.memory(), 'after');
  await state.close();
});

function namesIn(database: DatabaseSync): unknown[] {
  return database
    .prepare('SELECT name FROM things ORDER BY name')
    .all()
    .map(({ name }) => name);
}
