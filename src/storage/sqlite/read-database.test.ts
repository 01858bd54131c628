import assert from 'node:assert/strict';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../storage.fixture.ts';
import { readDatabase } from './read-database.ts';

const CURE = 'put it back';

function openWriter(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS things (name TEXT);');
  return database;
}

function add(database: DatabaseSync, name: string): void {
  database.prepare('INSERT INTO things VALUES (?)').run(name);
}

function namesIn(database: DatabaseSync): string {
  return database
    .prepare('SELECT name FROM things ORDER BY name')
    .all()
    .map(({ name }) => name)
    .join(' ');
}

/** A database with `a` in it, that nobody has open. */
function closedDatabase(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'x #1?.db');
  const writer = openWriter(path);
  add(writer, 'a');
  writer.close();
  return path;
}

test('nobody has it open: it is read, and no file is made', async (t) => {
  const path = closedDatabase(t);
  const before = readdirSync(dirname(path));
  assert.equal(await readDatabase(path, CURE, namesIn), 'a');
  assert.deepEqual(readdirSync(dirname(path)), before);
});

test('its writer has it open: what is committed is read, of one moment, and the writer does not wait', async (t) => {
  const path = closedDatabase(t);
  const writer = openWriter(path);
  add(writer, 'b');
  const read = await readDatabase(path, CURE, (database) => {
    database.exec('BEGIN');
    const first = namesIn(database);
    add(writer, 'c');
    return [first, namesIn(database)];
  });
  assert.deepEqual(read, ['a b', 'a b']);
  assert.equal(await readDatabase(path, CURE, namesIn), 'a b c');
  writer.exec("BEGIN IMMEDIATE; INSERT INTO things VALUES ('d')");
  assert.equal(await readDatabase(path, CURE, namesIn), 'a b c', 'a transaction that is under way');
  writer.close();
});

test('a writer that came while it was read alone: it is read again', async (t) => {
  const path = closedDatabase(t);
  const writers: DatabaseSync[] = [];
  const reads: string[] = [];
  const read = await readDatabase(path, CURE, (database) => {
    if (writers.length === 0) {
      writers.push(openWriter(path));
      add(writers[0] as DatabaseSync, 'b');
    }
    reads.push(namesIn(database));
    return reads.at(-1);
  });
  assert.deepEqual([reads.length, read], [2, 'a b']);
  writers[0]?.close();
});

test('a writer that came and went meanwhile: it is read again, and an error that it caused is none', async (t) => {
  const path = closedDatabase(t);
  let reads = 0;
  const read = await readDatabase(path, CURE, (database) => {
    reads += 1;
    if (reads > 1) return namesIn(database);
    const writer = openWriter(path);
    for (let count = 0; count < 500; count += 1) add(writer, `b${count}`);
    writer.close();
    throw new Error('half of it was of before');
  });
  assert.equal(reads, 2);
  assert.equal(read?.split(' ').length, 501);
});

test('it cannot be written through', async (t) => {
  const path = closedDatabase(t);
  for (const isOpen of [false, true]) {
    const writer = isOpen ? openWriter(path) : undefined;
    await assert.rejects(
      readDatabase(path, CURE, (database) => add(database, 'x')),
      { code: 'cannot-read' },
    );
    writer?.close();
  }
  assert.equal(await readDatabase(path, CURE, namesIn), 'a');
});

test('no database: undefined, and none is made', async (t) => {
  const directory = temporaryDirectory(t);
  assert.equal(await readDatabase(join(directory, 'x.db'), CURE, namesIn), undefined);
  assert.deepEqual(readdirSync(directory), []);
});

for (const [what, damage] of [
  ['is no database', (path: string) => writeFileSync(path, Buffer.alloc(9000, 0xa5))],
  ['was cut', (path: string) => truncateSync(path, 4096)],
  ['has other tables', (path: string) => rmThenMake(path, 'CREATE TABLE strange (a)')],
] as const) {
  test(`a file that ${what} cannot be read; the cure is told, and the file stays as it is`, async (t) => {
    const path = closedDatabase(t);
    damage(path);
    const before = readdirSync(dirname(path));
    await assert.rejects(readDatabase(path, CURE, namesIn), { code: 'cannot-read', hint: CURE });
    assert.deepEqual(readdirSync(dirname(path)), before);
  });
}

test('a directory in its place cannot be read', async (t) => {
  await assert.rejects(readDatabase(temporaryDirectory(t), CURE, namesIn), { code: 'cannot-read', hint: /ls -l/ });
});

function rmThenMake(path: string, sql: string): void {
  rmSync(path);
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}
