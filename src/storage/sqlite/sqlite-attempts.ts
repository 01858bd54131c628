// Attempt counts in state.db: one row per (minute, host, outcome), added to in place.

import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { AttemptCount, AttemptIncrement, Attempts } from '../attempts.ts';
import { onStateDatabase } from './state-database.ts';
import { inTransaction } from './transaction.ts';

// Forgotten in one short transaction, with a turn of the event loop between them.
const FORGET_ROWS = 1000;

type MinuteRange = Parameters<Attempts['read']>[0];

export class SqliteAttempts implements Attempts {
  readonly #database: DatabaseSync;
  readonly #add;
  readonly #forget;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#add = database.prepare(`
      INSERT INTO attempts (host_id, minute, outcome, count) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count`);
    this.#forget = database.prepare(`
      DELETE FROM attempts WHERE (minute, host_id, outcome) IN
        (SELECT minute, host_id, outcome FROM attempts WHERE minute < ? ORDER BY minute LIMIT ${FORGET_ROWS})`);
  }

  async add(increments: readonly AttemptIncrement[]): Promise<void> {
    if (increments.length === 0) return;
    onStateDatabase(this.#database, () =>
      inTransaction(this.#database, () => {
        for (const { hostId, minute, outcome, count } of increments) this.#add.run(hostId, minute, outcome, count);
      }),
    );
  }

  async forgetBefore(minute: string): Promise<void> {
    // The receiver may stop meanwhile: the next one forgets the rest.
    while (this.#database.isOpen) {
      const { changes } = onStateDatabase(this.#database, () => this.#forget.run(minute));
      if (changes < FORGET_ROWS) return;
      await yieldToOthers();
    }
  }

  async read(range: MinuteRange): Promise<AttemptCount[]> {
    return onStateDatabase(this.#database, () => readAttempts(this.#database, range));
  }
}

export function readAttempts(database: DatabaseSync, { fromMinute, toMinute }: MinuteRange): AttemptCount[] {
  const found = database.prepare(`
    SELECT host_id, minute, outcome, count FROM attempts WHERE minute BETWEEN ? AND ?
    ORDER BY minute, host_id, outcome`);
  return found.all(fromMinute, toMinute).map((row) => ({
    hostId: String(row['host_id']),
    minute: String(row['minute']),
    outcome: String(row['outcome']),
    count: Number(row['count']),
  }));
}
