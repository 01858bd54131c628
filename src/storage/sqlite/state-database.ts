// state.db: what can be made again. A damaged or foreign file is set aside and begun anew; that loses no episode.

import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Logger } from '../../lib/logger.ts';

// Raise this with every change of a table: an older state.db is then begun anew.
const SCHEMA_VERSION = 1;

const TABLES = `
  CREATE TABLE ledger_rows (
    seq INTEGER PRIMARY KEY,
    host_id TEXT NOT NULL,
    episode_id TEXT NOT NULL,
    row TEXT NOT NULL,
    UNIQUE (host_id, episode_id)
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
    PRIMARY KEY (host_id, minute, outcome)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE heartbeats (
    host_id TEXT NOT NULL,
    machine TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    received_at_wall TEXT NOT NULL,
    heartbeat TEXT NOT NULL,
    PRIMARY KEY (host_id, machine, boot_id)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export function openStateDatabase(path: string, logger: Logger): DatabaseSync {
  try {
    return open(path);
  } catch (error) {
    const asidePath = `${path}.damaged`;
    logger.warn(
      { path, aside: asidePath, err: error },
      'state.db is unusable; set aside and made again from the ledger',
    );
    renameSync(path, asidePath);
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    return open(path);
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // The view may lag the ledger after a power cut, never lead it for long: NORMAL leaves fsync to the checkpoints.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version === 0) database.exec(`BEGIN; ${TABLES} COMMIT;`);
    else if (version !== SCHEMA_VERSION) throw new Error(`state.db has schema ${version}, not ${SCHEMA_VERSION}`);
    // Reads the last page of each tree: finds the common damages without reading the whole file.
    database.prepare('SELECT max(seq) FROM ledger_rows').get();
    database.prepare('SELECT * FROM ledger_position').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
