// Port: the ledger, which owns what is stored. An episode exists once its row is durable here, and not before.

import type { LedgerEntry, LedgerRow, SequencedRow, SequencedTombstone, Tombstone } from '../protocol/ledger-row.ts';

export type NewLedgerRow = Omit<LedgerRow, 'seq'>;
export type NewTombstone = Omit<Tombstone, 'seq'>;

/** `retracted`: the id was stored once and was taken back, for good. */
export type AppendOutcome =
  | { kind: 'appended'; row: SequencedRow }
  | { kind: 'duplicate'; row: SequencedRow }
  | { kind: 'conflict'; row: SequencedRow }
  | { kind: 'retracted'; tombstone: SequencedTombstone };

export type RetractOutcome =
  | { kind: 'retracted'; tombstone: SequencedTombstone }
  | { kind: 'already-retracted'; tombstone: SequencedTombstone }
  | { kind: 'not-found' };

/** A tombstone is there once the episode has been retracted; without its row where that line of the ledger is damaged. */
export type FoundEpisode =
  | { row: SequencedRow; tombstone?: undefined }
  | { row?: SequencedRow; tombstone: SequencedTombstone };

/** Times are wall times as clock.ts writes them, compared with `received_at_wall`: from `since` on, before `until`. */
export interface LedgerFilter {
  hostId?: string;
  commit?: string;
  since?: string;
  until?: string;
  /** True: rows of retracted episodes too. */
  withRetracted?: boolean;
}

export interface LedgerPage {
  rows: SequencedRow[];
  /** Where the next page begins; undefined when there is none now. A page may hold fewer rows than asked for, even none. */
  nextAfterSeq: number | undefined;
}

export interface NewestPage {
  /** The highest seq first. */
  rows: SequencedRow[];
  /** What the next page begins below; undefined when there is none. A page may hold fewer rows than asked for, even none. */
  nextBeforeSeq: number | undefined;
}

export interface TallyQuestion {
  by: 'day' | 'host' | 'commit';
  /** A day in UTC, `YYYY-MM-DD`: from its beginning on. Rows whose time does not parse lie on no day. */
  since?: string;
  /** A day as well: before its beginning. */
  until?: string;
}

/** Retracted episodes count. */
export interface Tally {
  /** A day, a host, a commit; null for episodes that name no commit. */
  key: string | null;
  episodes: number;
  sizeBytes: number;
}

export interface CommitTally {
  commit: string | null;
  episodes: number;
  sizeBytes: number;
  /** The highest of its rows. */
  lastSeq: number;
}

/** What the ledger knows of one host; retracted episodes count. */
export interface LedgerHost {
  hostId: string;
  episodes: number;
  sizeBytes: number;
  /** The row with the highest seq. */
  last: SequencedRow;
}

export interface Ledger {
  /**
   * Adds a row unless its (host, episode) has one: `duplicate` when that has the same digest, else `conflict`. Resolves when the
   * row is durable. Rows that wait together share one write. Throws `disk-full`: nobody hears of the row, and the same append after
   * room was made says what became of it; `sync-failed`: nothing can be appended any more; `stopping` after `close`.
   */
  append(row: NewLedgerRow): Promise<AppendOutcome>;
  /** Takes a stored episode back: its id is never stored again. Durable, shared and failing as `append`. */
  retract(tombstone: NewTombstone): Promise<RetractOutcome>;
  find(hostId: string, episodeId: string): Promise<FoundEpisode | undefined>;
  /** Rows and tombstones with a higher seq, in order. After N was read, nothing at or below N ever appears; gaps are allowed. */
  read(afterSeq: number, limit: number): Promise<LedgerEntry[]>;
  /** Rows of episodes that are stored now, unless the filter says otherwise, in order of seq. Looks at a bounded number of rows, however few of them match. */
  list(filter: LedgerFilter, afterSeq: number, limit: number): Promise<LedgerPage>;
  /** As `list`, from the newest row down: rows below `beforeSeq`, or all of them without it. Looks at a bounded number of rows, too. */
  newest(filter: LedgerFilter, beforeSeq: number | undefined, limit: number): Promise<NewestPage>;
  /** By host. */
  hosts(): Promise<LedgerHost[]>;
  /** What was stored, by key; those with none are left out. Costs nothing that grows with the number of rows. Throws `RangeError` for a day that is none. */
  tallies(question: TallyQuestion): Promise<Tally[]>;
  /** Of one host; the commit of its last row first. */
  commitsOf(hostId: string): Promise<CommitTally[]>;
  /** False while the ledger is still being read after a start: whatever asks or appends waits for that. Costs nothing. */
  isCaughtUp(): boolean;
  /** Resolves when something with a higher seq can be read, or when `signal` aborts. */
  waitAfter(seq: number, signal: AbortSignal): Promise<void>;
  /** Waits for appends under way, then lets go of the files. */
  close(): Promise<void>;
}
