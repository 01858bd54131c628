// Heartbeats in state.db: the last one per (host, machine, boot), and of each host those that came last.

import type { DatabaseSync } from 'node:sqlite';
import type { Heartbeat, NewHeartbeat } from '../host-state.ts';
import { onStateDatabase } from './state-database.ts';
import { inTransaction } from './transaction.ts';

// A host whose boot id changes with each heartbeat must not fill the database.
const KEPT_PER_HOST = 16;

export class SqliteHeartbeats {
  readonly #database: DatabaseSync;
  readonly #put;
  readonly #forgetOlder;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#put = database.prepare(`
      INSERT INTO heartbeats (host_id, machine, boot_id, first_received_at_wall, received_at_wall, heartbeat, received_order)
      VALUES ($hostId, $machine, $bootId, $receivedAtWall, $receivedAtWall, $heartbeat,
        (SELECT coalesce(max(received_order), 0) + 1 FROM heartbeats WHERE host_id = $hostId))
      ON CONFLICT DO UPDATE SET received_at_wall = excluded.received_at_wall, heartbeat = excluded.heartbeat,
        received_order = excluded.received_order`);
    this.#forgetOlder = database.prepare(`
      DELETE FROM heartbeats WHERE host_id = $hostId AND received_order <=
        (SELECT received_order FROM heartbeats WHERE host_id = $hostId
          ORDER BY received_order DESC LIMIT 1 OFFSET ${KEPT_PER_HOST})`);
  }

  put({ hostId, machine, bootId, receivedAtWall, body }: NewHeartbeat): void {
    onStateDatabase(this.#database, () =>
      inTransaction(this.#database, () => {
        this.#put.run({
          $hostId: hostId,
          $machine: machine,
          $bootId: bootId,
          $receivedAtWall: receivedAtWall,
          $heartbeat: JSON.stringify(body),
        });
        this.#forgetOlder.run({ $hostId: hostId });
      }),
    );
  }

  list(): Heartbeat[] {
    return onStateDatabase(this.#database, () => readHeartbeats(this.#database));
  }
}

export function readHeartbeats(database: DatabaseSync): Heartbeat[] {
  const rows = database.prepare('SELECT * FROM heartbeats ORDER BY host_id, received_order').all();
  return rows.map((row) => ({
    hostId: String(row['host_id']),
    machine: String(row['machine']),
    bootId: String(row['boot_id']),
    firstReceivedAtWall: String(row['first_received_at_wall']),
    receivedAtWall: String(row['received_at_wall']),
    // Only `put` writes here, and it writes an object.
    body: JSON.parse(String(row['heartbeat'])) as Heartbeat['body'],
  }));
}
