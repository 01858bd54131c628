// Port: the ledger, which owns what is stored. An episode exists once its row is durable here, and not before.

import type { LedgerRow, SequencedRow } from '../protocol/ledger-row.ts';

export type NewLedgerRow = Omit<LedgerRow, 'seq'>;

export type AppendOutcome =
  | { kind: 'appended'; row: SequencedRow }
  | { kind: 'duplicate'; row: SequencedRow }
  | { kind: 'conflict'; row: SequencedRow };

export interface Ledger {
  /**
   * Adds a row unless its (host, episode) has one: `duplicate` when that has the same digest, else `conflict`. Resolves when the
   * row is durable. Rows that wait together share one write. Throws `disk-full`: nobody hears of the row, and the same append after
   * room was made says what became of it; `sync-failed`: nothing can be appended any more; `stopping` after `close`.
   */
  append(row: NewLedgerRow): Promise<AppendOutcome>;
  find(hostId: string, episodeId: string): Promise<SequencedRow | undefined>;
  /** Rows with a higher seq, in order. After N was read, nothing at or below N ever appears; gaps are allowed. */
  read(afterSeq: number, limit: number): Promise<SequencedRow[]>;
  /** Resolves when a row with a higher seq can be read, or when `signal` aborts. */
  waitAfter(seq: number, signal: AbortSignal): Promise<void>;
  /** Waits for appends under way, then lets go of the files. */
  close(): Promise<void>;
}
