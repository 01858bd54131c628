import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { inTransaction } from './transaction.ts';

function makeDatabase(): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE things (name TEXT PRIMARY KEY) STRICT');
  return database;
}

function namesIn(database: DatabaseSync): unknown[] {
  return database
    .prepare('SELECT name FROM things ORDER BY name')
    .all()
    .map((row) => row['name']);
}

test('what the work returns is returned, and what it wrote stays', () => {
  const database = makeDatabase();
  assert.equal(
    inTransaction(database, () => {
      assert.equal(database.isTransaction, true);
      database.exec("INSERT INTO things VALUES ('a')");
      return 'result';
    }),
    'result',
  );
  assert.equal(database.isTransaction, false);
  assert.deepEqual(namesIn(database), ['a']);
});

test('an error takes all of it back, is passed on, and leaves room for the next', () => {
  const database = makeDatabase();
  const work = () => database.exec("INSERT INTO things VALUES ('a'); INSERT INTO things VALUES ('a');");
  assert.throws(() => inTransaction(database, work), /UNIQUE/);
  assert.deepEqual(namesIn(database), []);
  inTransaction(database, () => database.exec("INSERT INTO things VALUES ('b')"));
  assert.deepEqual(namesIn(database), ['b']);
});

test('an error behind which SQLite has ended the transaction itself is not hidden by another', () => {
  const database = makeDatabase();
  const work = () => {
    database.exec('ROLLBACK');
    throw new Error('the first');
  };
  assert.throws(() => inTransaction(database, work), /the first/);
});
