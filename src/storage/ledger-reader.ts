// Port: the ledger as whoever does not have its lock may read it, beside a running receiver. It changes nothing.

import type { LedgerEntry } from '../protocol/ledger-row.ts';

/** `bad-line`: what is neither a row nor a tombstone. Lines count from 1. */
export type LedgerItem = { kind: 'entry'; entry: LedgerEntry; line: number } | { kind: 'bad-line'; line: number };

export interface LedgerReader {
  /** Tells one ledger from another that was put in its place; undefined while it is empty. */
  identity(): Promise<string | undefined>;
  /**
   * What lies behind the entry with this seq, in order, up to the last whole line that was there when the reading began. Every row is
   * told, a second one of an episode too, which `Ledger` leaves out: of two the first stands.
   */
  read(afterSeq: number): AsyncIterable<LedgerItem>;
}
