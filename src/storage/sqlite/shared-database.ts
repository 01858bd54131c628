// monitor.db and control.db: not derived from anything, so each commit is fsynced; written by more than one process, so a writer
// waits for another without stalling its own event loop.

import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../lib/app-error.ts';
import { explainSqliteError, sqliteFailureOf } from './sqlite-errors.ts';
import { inTransaction } from './transaction.ts';

// SQLite waits in the event loop: that long and no longer. The rest of the waiting is done outside of it, up to about 5 s.
const BUSY_TIMEOUT_MS = 5;
const PAUSE_MS = 5;
const MAX_TRIES = 500;

/** SQL that brings a database from version 0, an empty one, to 1, from 1 to 2, and so on. A step that was released is never changed. */
export type Migrations = readonly string[];

/**
 * Opens or makes the database, and brings it to the newest version. Throws `database-newer` when a later release has changed its
 * tables, `database-damaged`, `database-busy`, `disk-full`.
 */
export async function openSharedDatabase(path: string, migrations: Migrations): Promise<DatabaseSync> {
  const database = openOrExplain(path);
  try {
    await whenFree(database, () => prepareDatabase(database, path, migrations));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `work` again while another process holds the lock. Throws `database-busy`, `database-damaged`, `disk-full`. */
export async function whenFree<T>(database: DatabaseSync, work: () => T): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return work();
    } catch (error) {
      if (sqliteFailureOf(error) !== 'busy' || tries === MAX_TRIES) {
        throw explainSqliteError(database.location() ?? 'the database', error);
      }
    }
    await delay(PAUSE_MS);
  }
}

function openOrExplain(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw explainSqliteError(path, error);
  }
}

function prepareDatabase(database: DatabaseSync, path: string, migrations: Migrations): void {
  const version = migrations.length;
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  if (versionOf(database) < version) {
    // Two processes may come to it at once: looked at again under the lock.
    inTransaction(database, () => {
      const before = versionOf(database);
      for (const step of migrations.slice(before)) database.exec(step);
      if (before < version) database.exec(`PRAGMA user_version = ${version}`);
      if (before === 0) chmodSync(path, 0o600);
    });
  }
  const found = versionOf(database);
  if (found > version) throw databaseNewer(path, found, version);
}

export function databaseNewer(path: string, found: number, version: number): AppError {
  return new AppError(
    'database-newer',
    `${path} was written by a later release: schema ${found}, known here ${version}`,
    { hint: 'run the release that wrote it, or one after it' },
  );
}

export function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Changes whenever another connection has committed a change (https://sqlite.org/pragma.html#pragma_data_version). */
export function dataVersionOf(database: DatabaseSync): string {
  return String(database.prepare('PRAGMA data_version').get()?.['data_version']);
}
