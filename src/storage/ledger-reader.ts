// Port: the ledger as whoever does not have its lock may read it, beside a running receiver. It changes nothing.

import type { LedgerEntry } from '../protocol/ledger-row.ts';

/** `bad-line`: what is neither a row nor a tombstone. Lines count from 1. */
export type LedgerItem = { kind: 'entry'; entry: LedgerEntry; line: number } | { kind: 'bad-line'; line: number };

/** What the monitor needs of a row: any line with a host and a time counts, also of an older receiver. */
export interface StoredAt {
  hostId: string;
  /** Microseconds since 1970, exactly as the row says. */
  receivedAtUs: number;
  /** As the row says; undefined for rows older than the gate. */
  commit: string | undefined;
}

/** The rows behind a mark. */
export interface LedgerNews {
  /** True when the ledger was read from its first line: there was no mark, or the file is not what it told. What was remembered is void. */
  isAnew: boolean;
  /** In the order of the ledger, in batches. Tombstones and bad lines are left out. To be read to its end, once. */
  rows: AsyncIterable<readonly StoredAt[]>;
  /**
   * A last line that has no newline yet, where it is a whole row: a file made by hand may end so. It is not behind the mark: the next
   * reading finds it ended, gone, or still so.
   */
  unended: StoredAt | undefined;
  /** After `rows` came to its end: up to where it was read. */
  mark(): string;
  /** Lines that are neither a row nor a tombstone, as far as was read. */
  badLines(): number;
}

export interface LedgerReader {
  /** Tells one ledger from another that was put in its place; undefined while it is empty. */
  identity(): Promise<string | undefined>;
  /**
   * What lies behind the entry with this seq, in order, up to the last whole line that was there when the reading began. Every row is
   * told, a second one of an episode too, which `Ledger` leaves out: of two the first stands.
   */
  read(afterSeq: number): AsyncIterable<LedgerItem>;
  /**
   * What came since `mark`, up to the last whole line that is there now. The file is told from another one that was put in its place, one
   * that was cut, and one that was rewritten: its start and its end before the mark are compared each time, the rest in turns, a bounded
   * number of bytes each time. Throws `cannot-read` when there is no file or it cannot be read.
   */
  follow(mark: string | undefined): Promise<LedgerNews>;
}
