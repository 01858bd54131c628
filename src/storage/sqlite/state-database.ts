// state.db: what can be made again. A damaged or foreign file is set aside and begun anew; that loses no episode.

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError, isMissing } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { diskFull } from '../filesystem/disk-errors.ts';
import { sqliteFailureOf } from './sqlite-errors.ts';
import { inTransaction } from './transaction.ts';

// Raise this with every change of a table: an older state.db is then begun anew.
export const STATE_VERSION = 7;

const TABLES = `
  CREATE TABLE ledger_rows (
    seq INTEGER PRIMARY KEY,
    host_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    commit_id TEXT,
    received_at_us INTEGER,
    row TEXT NOT NULL,
    UNIQUE (host_id, episode_id)
  ) STRICT;
  CREATE INDEX ledger_rows_of_host ON ledger_rows (host_id, seq);
  CREATE INDEX ledger_rows_of_commit ON ledger_rows (commit_id, seq);
  CREATE TABLE ledger_tombstones (
    seq INTEGER PRIMARY KEY,
    host_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    tombstone TEXT NOT NULL,
    UNIQUE (host_id, episode_id)
  ) STRICT;
  CREATE TABLE ledger_hosts (
    host_id TEXT PRIMARY KEY,
    episodes INTEGER NOT NULL,
    -- REAL: sums of what a hand may have written must not overflow; whole up to 2^53.
    size_bytes REAL NOT NULL,
    last_seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- Days count from 1970, in UTC; sizes are REAL as those of the hosts.
  CREATE TABLE ledger_days (
    day INTEGER PRIMARY KEY,
    episodes INTEGER NOT NULL,
    size_bytes REAL NOT NULL
  ) STRICT;
  CREATE TABLE ledger_host_days (
    host_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    -- Up to the end of this day.
    episodes_to INTEGER NOT NULL,
    size_bytes_to REAL NOT NULL,
    PRIMARY KEY (host_id, day)
  ) STRICT, WITHOUT ROWID;
  -- A commit of no name is empty; a time that does not parse lies on a day before all others.
  CREATE TABLE ledger_commit_days (
    commit_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    episodes INTEGER NOT NULL,
    size_bytes REAL NOT NULL,
    PRIMARY KEY (day, commit_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_commits (
    commit_id TEXT PRIMARY KEY,
    episodes INTEGER NOT NULL,
    size_bytes REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_host_commits (
    host_id TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    episodes INTEGER NOT NULL,
    size_bytes REAL NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (host_id, commit_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_quarters (
    quarter INTEGER PRIMARY KEY,
    lowest_seq INTEGER NOT NULL,
    highest_seq INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE ledger_position (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    offset_bytes INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_line_sha256 TEXT NOT NULL
  ) STRICT;
  CREATE TABLE attempts (
    host_id TEXT NOT NULL,
    minute TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute, host_id, outcome)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE heartbeats (
    host_id TEXT NOT NULL,
    machine TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    first_received_at_wall TEXT NOT NULL,
    received_at_wall TEXT NOT NULL,
    heartbeat TEXT NOT NULL,
    -- Counts each host's heartbeats as they come: the clock may step back.
    received_order INTEGER NOT NULL,
    PRIMARY KEY (host_id, machine, boot_id)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${STATE_VERSION};
`;

/** Throws `disk-full`, and SQLite's error when the file cannot be reached: neither says anything against its content. */
export function openStateDatabase(path: string, logger: Logger): DatabaseSync {
  if (existsSync(condemnedMark(path))) {
    logger.warn(
      { path, aside: asidePath(path) },
      'state.db was found damaged; set aside and made again from the ledger',
    );
    return beginAnew(path);
  }
  try {
    return open(path);
  } catch (error) {
    const failure = sqliteFailureOf(error);
    if (failure === 'full') throw diskFull(path, error);
    if (failure === 'busy' || failure === 'inaccessible') throw error;
    logger.warn(
      { path, aside: asidePath(path), err: error },
      'state.db is unusable; set aside and made again from the ledger',
    );
    return beginAnew(path);
  }
}

/**
 * Runs `work` on state.db. Throws `disk-full`; and `sync-failed` for damage that opening it did not meet, which the next start
 * cures by beginning anew.
 */
export function onStateDatabase<T>(database: DatabaseSync, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const path = database.location() ?? 'state.db';
    const failure = sqliteFailureOf(error);
    if (failure === 'full') throw diskFull(path, error);
    // What is stored as JSON was written as JSON: text that does not parse is damage too.
    if (failure !== 'damaged' && !(error instanceof SyntaxError)) throw error;
    writeFileSync(condemnedMark(path), '');
    throw new AppError('sync-failed', `${path} is damaged`, {
      hint: 'restart the receiver: it makes state.db again from the ledger',
      cause: error,
    });
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // The view may lag the ledger after a power cut, never lead it for long: NORMAL leaves fsync to the checkpoints.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version === 0) inTransaction(database, () => database.exec(TABLES));
    else if (version !== STATE_VERSION) throw new Error(`state.db has schema ${version}, not ${STATE_VERSION}`);
    // Reads the last page of each tree: finds the common damages without reading the whole file.
    database.prepare('SELECT max(seq) FROM ledger_rows').get();
    database.prepare('SELECT max(seq) FROM ledger_tombstones').get();
    database.prepare('SELECT * FROM ledger_position').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function beginAnew(path: string): DatabaseSync {
  try {
    renameSync(path, asidePath(path));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  rmSync(condemnedMark(path), { force: true });
  return open(path);
}

function asidePath(path: string): string {
  return `${path}.damaged`;
}

function condemnedMark(path: string): string {
  return `${path}.condemned`;
}
