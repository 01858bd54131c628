// Heartbeats in state.db: the last one per (host, machine, boot).

import type { DatabaseSync } from 'node:sqlite';
import type { Heartbeat } from '../host-state.ts';
import { onStateDatabase } from './state-database.ts';

export class SqliteHeartbeats {
  readonly #database: DatabaseSync;
  readonly #put;
  readonly #list;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#put = database.prepare(`
      INSERT OR REPLACE INTO heartbeats (host_id, machine, boot_id, received_at_wall, heartbeat) VALUES (?, ?, ?, ?, ?)`);
    this.#list = database.prepare('SELECT * FROM heartbeats ORDER BY host_id, machine, boot_id');
  }

  put({ hostId, machine, bootId, receivedAtWall, body }: Heartbeat): void {
    onStateDatabase(this.#database, () => this.#put.run(hostId, machine, bootId, receivedAtWall, JSON.stringify(body)));
  }

  list(): Heartbeat[] {
    return onStateDatabase(this.#database, () =>
      this.#list.all().map((row) => ({
        hostId: String(row['host_id']),
        machine: String(row['machine']),
        bootId: String(row['boot_id']),
        receivedAtWall: String(row['received_at_wall']),
        // Only `put` writes here, and it writes an object.
        body: JSON.parse(String(row['heartbeat'])) as Heartbeat['body'],
      })),
    );
  }
}
