// How far each release goes, in control.db beside the maintainer's other decisions.

import type { DatabaseSync } from 'node:sqlite';
import type { RollOut, RollOuts } from '../roll-out.ts';
import { openSharedDatabase, whenFree } from './shared-database.ts';
import { CONTROL_MIGRATIONS } from './sqlite-control.ts';

export class SqliteRollOuts implements RollOuts {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Throws what `openSharedDatabase` throws. */
  static async open(path: string): Promise<SqliteRollOuts> {
    return new SqliteRollOuts(await openSharedDatabase(path, CONTROL_MIGRATIONS));
  }

  async put({ commit, percent, paused, decidedAt, by }: RollOut): Promise<void> {
    const values = [commit, percent, paused ? 1 : 0, decidedAt, by];
    await whenFree(this.#database, () =>
      this.#database.prepare('INSERT OR REPLACE INTO roll_outs VALUES (?, ?, ?, ?, ?)').run(...values),
    );
  }

  async list(): Promise<RollOut[]> {
    const rows = await whenFree(this.#database, () =>
      this.#database.prepare('SELECT * FROM roll_outs ORDER BY commit_id').all(),
    );
    return rows.map((row) => ({
      commit: String(row['commit_id']),
      percent: Number(row['percent']),
      paused: row['paused'] === 1,
      decidedAt: String(row['decided_at']),
      by: String(row['decided_by']),
    }));
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
