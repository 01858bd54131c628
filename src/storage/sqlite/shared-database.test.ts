import assert from 'node:assert/strict';
import { mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fillDisk, mountTmpfsOrSkip, OtherProcess, temporaryDirectory } from '../storage.fixture.ts';
import { openSharedDatabase, whenFree } from './shared-database.ts';
import { SqliteMonitorState } from './sqlite-monitor-state.ts';

const SCHEMA = { version: 3, tables: 'CREATE TABLE things (name TEXT PRIMARY KEY) STRICT' };

test('made with its tables, its version, each commit fsynced, for its owner alone', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  const database = await openSharedDatabase(path, SCHEMA);
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 3);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
  assert.equal(database.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  database.exec("INSERT INTO things VALUES ('kept')");
  database.close();
  const again = await openSharedDatabase(path, SCHEMA);
  assert.equal(again.prepare('SELECT name FROM things').get()?.['name'], 'kept');
  again.close();
});

test('a database of a later release is refused and left as it is', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  (await openSharedDatabase(path, { ...SCHEMA, version: 4 })).close();
  await assert.rejects(openSharedDatabase(path, SCHEMA), { code: 'database-newer', message: /schema 4, known here 3/ });
  (await openSharedDatabase(path, { ...SCHEMA, version: 4 })).close();
});

test('a damaged database is refused, never begun anew', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  writeFileSync(path, Buffer.alloc(9000, 0xa5));
  await assert.rejects(openSharedDatabase(path, SCHEMA), { code: 'database-damaged' });
  assert.equal(statSync(path).size, 9000);
});

test('damage that is met only when it is read says so', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db');
  const made = await openSharedDatabase(path, SCHEMA);
  made.exec(
    "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO things SELECT 'x' || i FROM n",
  );
  made.close();
  truncateSync(path, 4096 * 3);
  await assert.rejects(
    async () => {
      const database = await openSharedDatabase(path, SCHEMA);
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
  let claimed: boolean | undefined;
  const claiming = state.claim('k1').then((won) => {
    claimed = won;
  });
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  assert.equal(claimed, undefined);
  other.exec('ROLLBACK');
  await claiming;
  assert.equal(claimed, true);
  other.close();
  await state.close();
});

test('two processes that open the same new database and claim the same keys: each key is claimed once', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const source = `
    import { SqliteMonitorState } from './sqlite/sqlite-monitor-state.ts';
    console.log('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdin.destroy();
    const state = await SqliteMonitorState.open(${JSON.stringify(path)});
    const won = [];
    for (let key = 0; key < 100; key += 1) if (await state.claim('key-' + key)) won.push(key);
    console.log(JSON.stringify(won));
    await state.close();`;
  const processes = [new OtherProcess(t, source), new OtherProcess(t, source), new OtherProcess(t, source)];
  for (const one of processes) assert.equal(await one.nextLine(), 'ready');
  for (const one of processes) one.goOn();
  const won = await Promise.all(processes.map(async (one): Promise<number[]> => JSON.parse(await one.nextLine())));
  assert.deepEqual(
    won.flat().sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, key) => key),
  );
});

test('a claim whose process was killed right after it stays claimed', async (t) => {
  const path = join(temporaryDirectory(t), 'monitor.db');
  const other = new OtherProcess(
    t,
    `import { SqliteMonitorState } from './sqlite/sqlite-monitor-state.ts';
     const state = await SqliteMonitorState.open(${JSON.stringify(path)});
     console.log(await state.claim('k1'));
     process.stdin.resume();`,
  );
  assert.equal(await other.nextLine(), 'true');
  await other.kill();
  const state = await SqliteMonitorState.open(path);
  assert.equal(await state.claim('k1'), false);
  await state.close();
});

test('disk full: disk-full, what was there stays, and it goes on after room was made', async (t) => {
  const small = join(temporaryDirectory(t), 'small');
  mkdirSync(small);
  if (!mountTmpfsOrSkip(t, small, 'size=1m')) return;
  const state = await SqliteMonitorState.open(join(small, 'monitor.db'));
  assert.equal(await state.claim('before'), true);
  const filler = await fillDisk(small);
  await assert.rejects(
    async () => {
      for (let key = 0; key < 1000; key += 1) await state.claim(`${key}-${'x'.repeat(3000)}`);
    },
    { code: 'disk-full' },
  );
  await filler.release();
  assert.equal(await state.claim('before'), false);
  assert.equal(await state.claim('after'), true);
  await state.close();
});
