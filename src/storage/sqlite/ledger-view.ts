// The ledger as a queryable view in state.db: rows by id and by seq, and how far the ledger was read.

import type { DatabaseSync } from 'node:sqlite';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { onStateDatabase } from './state-database.ts';
import { inTransaction } from './transaction.ts';

/** How far into the ledger file the view reaches, and what the line that ends there was: a changed ledger is noticed. */
export interface LedgerPosition {
  offsetBytes: number;
  lines: number;
  lastSeq: number;
  lastLineSha256: string;
}

export const LEDGER_START: LedgerPosition = { offsetBytes: 0, lines: 0, lastSeq: 0, lastLineSha256: '' };

export class LedgerView {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insertRow = database.prepare('INSERT OR IGNORE INTO ledger_rows VALUES (?, ?, ?, ?)');
    this.#savePosition = database.prepare('INSERT OR REPLACE INTO ledger_position VALUES (1, ?, ?, ?, ?)');
    this.#findRow = database.prepare('SELECT row FROM ledger_rows WHERE host_id = ? AND episode_id = ?');
    this.#readRows = database.prepare('SELECT row FROM ledger_rows WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#lastSeq = database.prepare('SELECT max(seq) AS seq FROM ledger_rows');
  }

  readonly #insertRow;
  readonly #savePosition;
  readonly #findRow;
  readonly #readRows;
  readonly #lastSeq;

  position(): LedgerPosition {
    const found = this.#run(() => this.#database.prepare('SELECT * FROM ledger_position').get());
    if (!found) return LEDGER_START;
    return {
      offsetBytes: Number(found['offset_bytes']),
      lines: Number(found['lines']),
      lastSeq: Number(found['last_seq']),
      lastLineSha256: String(found['last_line_sha256']),
    };
  }

  /** Rows and position together or not at all. Of two rows of one episode the first stands. Throws `disk-full` or `sync-failed`. */
  insert(rows: readonly SequencedRow[], position: LedgerPosition): void {
    this.#run(() =>
      inTransaction(this.#database, () => {
        for (const row of rows) this.#insertRow.run(row.seq, row.host_id, row.episode_id, JSON.stringify(row));
        this.#savePosition.run(position.offsetBytes, position.lines, position.lastSeq, position.lastLineSha256);
      }),
    );
  }

  find(hostId: string, episodeId: string): SequencedRow | undefined {
    return this.#run(() => {
      const found = this.#findRow.get(hostId, episodeId);
      return found && parseRow(found['row']);
    });
  }

  read(afterSeq: number, limit: number): SequencedRow[] {
    return this.#run(() => this.#readRows.all(afterSeq, limit).map((found) => parseRow(found['row'])));
  }

  /** The highest seq that `read` returns, 0 when there is none: below the position's where a row was one too many for its episode. */
  lastSeq(): number {
    return this.#run(() => Number(this.#lastSeq.get()?.['seq'] ?? 0));
  }

  clear(): void {
    this.#run(() =>
      inTransaction(this.#database, () => this.#database.exec('DELETE FROM ledger_rows; DELETE FROM ledger_position;')),
    );
  }

  #run<T>(work: () => T): T {
    return onStateDatabase(this.#database, work);
  }
}

// The view holds only what this class wrote from validated rows.
function parseRow(text: unknown): SequencedRow {
  return JSON.parse(String(text)) as SequencedRow;
}
