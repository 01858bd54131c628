// The monitor's state in monitor.db. Each call is one statement, so that it is atomic between processes.

import type { DatabaseSync } from 'node:sqlite';
import type { MonitorState } from '../monitor-state.ts';
import { type DatabaseSchema, openSharedDatabase, whenFree } from './shared-database.ts';

const SCHEMA: DatabaseSchema = {
  version: 1,
  tables: `
    CREATE TABLE claims (dedup_key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE leases (
      name TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      taken_at_ms INTEGER NOT NULL,
      ttl_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;`,
};

export class SqliteMonitorState implements MonitorState {
  readonly #database: DatabaseSync;
  readonly #claim;
  readonly #lease;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#claim = database.prepare('INSERT OR IGNORE INTO claims (dedup_key) VALUES (?)');
    this.#lease = database.prepare(`
      INSERT INTO leases (name, holder, taken_at_ms, ttl_ms) VALUES (?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder, taken_at_ms = excluded.taken_at_ms, ttl_ms = excluded.ttl_ms
        WHERE holder = excluded.holder OR abs(excluded.taken_at_ms - taken_at_ms) >= ttl_ms`);
  }

  /** Throws what `openSharedDatabase` throws. */
  static async open(path: string): Promise<SqliteMonitorState> {
    return new SqliteMonitorState(await openSharedDatabase(path, SCHEMA));
  }

  async claim(dedupKey: string): Promise<boolean> {
    return await whenFree(this.#database, () => this.#claim.run(dedupKey).changes === 1);
  }

  async lease(name: string, holder: string, ttlMs: number, nowMs: number): Promise<boolean> {
    return await whenFree(this.#database, () => this.#lease.run(name, holder, nowMs, ttlMs).changes === 1);
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
