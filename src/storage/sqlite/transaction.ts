// All of several statements or none of them, and never a transaction left open behind an error.

import type { DatabaseSync } from 'node:sqlite';

/** Takes the write lock at once, so that what `work` reads cannot change before it writes. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
