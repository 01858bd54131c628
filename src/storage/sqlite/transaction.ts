// All of several statements or none of them, and never a transaction left open behind an error.

import type { DatabaseSync } from 'node:sqlite';

const OF_ITS_OWN = { begin: 'BEGIN IMMEDIATE', commit: 'COMMIT', rollback: 'ROLLBACK' };
const WITHIN = { begin: 'SAVEPOINT part', commit: 'RELEASE part', rollback: 'ROLLBACK TO part; RELEASE part' };

/**
 * Takes the write lock at once, so that what `work` reads cannot change before it writes. Where a transaction is under way it is a
 * part of that one: it stays if that one does.
 */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  const { begin, commit, rollback } = database.isTransaction ? WITHIN : OF_ITS_OWN;
  database.exec(begin);
  try {
    const result = work();
    database.exec(commit);
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec(rollback);
    throw error;
  }
}
