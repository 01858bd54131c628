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

export interface DatabaseSchema {
  version: number;
  /** Makes all tables in an empty database. */
  tables: string;
}

/**
 * Opens or makes the database. Throws `database-newer` when a later release has changed its tables, `database-damaged`,
 * `database-busy`, `disk-full`.
 */
export async function openSharedDatabase(path: string, schema: DatabaseSchema): Promise<DatabaseSync> {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    await whenFree(database, () => prepareDatabase(database, path, schema));
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

function prepareDatabase(database: DatabaseSync, path: string, { version, tables }: DatabaseSchema): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  if (versionOf(database) === 0) {
    // Two processes may come to an empty file at once: looked at again under the lock.
    inTransaction(database, () => {
      if (versionOf(database) !== 0) return;
      database.exec(`${tables}; PRAGMA user_version = ${version};`);
      chmodSync(path, 0o600);
    });
  }
  const found = versionOf(database);
  if (found > version) {
    throw new AppError(
      'database-newer',
      `${path} was written by a later release: schema ${found}, known here ${version}`,
      {
        hint: 'run the release that wrote it, or one after it',
      },
    );
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}
