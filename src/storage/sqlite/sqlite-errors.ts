// What SQLite's refusals mean here: node:sqlite gives every one of them the same `code` and the result code in `errcode`.

import { AppError } from '../../lib/app-error.ts';
import { diskFull } from '../filesystem/disk-errors.ts';

export type SqliteFailure = 'busy' | 'full' | 'damaged' | 'inaccessible' | 'other';

// Primary result codes, the low byte of the extended ones (https://sqlite.org/rescode.html).
const FAILURES: ReadonlyMap<number, SqliteFailure> = new Map([
  [3, 'inaccessible'], // PERM
  [5, 'busy'], // BUSY
  [6, 'busy'], // LOCKED
  [7, 'inaccessible'], // NOMEM
  [8, 'inaccessible'], // READONLY
  [11, 'damaged'], // CORRUPT
  [13, 'full'], // FULL
  [14, 'inaccessible'], // CANTOPEN
  [26, 'damaged'], // NOTADB
]);

// IOERR_SHMSIZE: the index of the write-ahead log could not be given its size. The errno behind it is not told; it is ENOSPC.
const NO_ROOM_FOR_WAL_INDEX = 4874;

/** Undefined for an error that is not SQLite's. */
export function sqliteFailureOf(error: unknown): SqliteFailure | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  if (error.errcode === NO_ROOM_FOR_WAL_INDEX) return 'full';
  return FAILURES.get(error.errcode & 0xff) ?? 'other';
}

/** `error` as a person should see it, for a database that is not derived from anything; others are passed through. */
export function explainSqliteError(path: string, error: unknown): unknown {
  const failure = sqliteFailureOf(error);
  if (failure === 'full') return diskFull(path, error);
  if (failure === 'busy') {
    return new AppError('database-busy', `another process holds ${path} for too long`, {
      retryable: true,
      hint: `find it with: fuser -v ${path}`,
      cause: error,
    });
  }
  if (failure === 'damaged') {
    return new AppError('database-damaged', `${path} is damaged or is no SQLite database`, {
      hint: `stop the receiver and put ${path} back from its last backup`,
      cause: error,
    });
  }
  if (failure === 'inaccessible') {
    return new AppError('database-inaccessible', `${path} cannot be opened or written by this user`, {
      hint: `see who owns it: ls -l ${path}*; it must be the user that the receiver runs as, as a rule cis490`,
      cause: error,
    });
  }
  return error;
}
