// The ledger as a queryable view in state.db: entries by id and by seq, what each host has stored, and how far the ledger was read.

import type { DatabaseSync } from 'node:sqlite';
import {
  isTombstone,
  type LedgerEntry,
  type SequencedRow,
  type SequencedTombstone,
} from '../../protocol/ledger-row.ts';
import { diskFull } from '../filesystem/disk-errors.ts';
import type { CommitTally, LedgerFilter, LedgerHost, Tally, TallyQuestion } from '../ledger.ts';
import { LedgerScan, type Look } from './ledger-scan.ts';
import { LedgerSums } from './ledger-sums.ts';
import { LedgerTallies, type TalliedRow } from './ledger-tallies.ts';
import { parseWallTime } from './parse-wall-time.ts';
import { onStateDatabase } from './state-database.ts';
import { inTransaction } from './transaction.ts';

/** How far into the ledger file the view reaches, and what the line that ends there was: a changed ledger is noticed. */
export interface LedgerPosition {
  offsetBytes: number;
  lines: number;
  lastSeq: number;
  lastLineSha256: string;
}

// SQLite's own.
const CACHE_KIB = 2_000;
// What a gathered transaction changes is to lie in memory until it is saved.
const GATHERING_CACHE_KIB = 32_000;

export const LEDGER_START: LedgerPosition = { offsetBytes: 0, lines: 0, lastSeq: 0, lastLineSha256: '' };

/** Where the next begins: undefined at the end. */
export interface ViewPage {
  rows: SequencedRow[];
  nextSeq: number | undefined;
}

export class LedgerView {
  readonly #database: DatabaseSync;
  readonly #statements;
  readonly #tallies: LedgerTallies;
  readonly #sums: LedgerSums;
  readonly #scan: LedgerScan;
  #isGathering = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#tallies = new LedgerTallies(database);
    this.#sums = new LedgerSums(database);
    this.#scan = new LedgerScan(database, this.#tallies);
  }

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

  /**
   * Entries and position together or not at all. Of two rows of one episode the first stands, and so of two tombstones. Throws
   * `disk-full` or `sync-failed`.
   */
  insert(entries: readonly LedgerEntry[], { offsetBytes, lines, lastSeq, lastLineSha256 }: LedgerPosition): void {
    const { insertRow, insertTombstone, savePosition } = this.#statements;
    this.#change(() => {
      const inserted: TalliedRow[] = [];
      for (const entry of entries) {
        const { seq, host_id: hostId, episode_id: episodeId } = entry;
        const text = JSON.stringify(entry);
        if (isTombstone(entry)) {
          insertTombstone.run(seq, hostId, episodeId, text);
          continue;
        }
        const receivedAtUs = parseWallTime(entry.received_at_wall);
        const { changes } = insertRow.run(seq, hostId, episodeId, entry.commit ?? null, receivedAtUs ?? null, text);
        if (changes === 1) inserted.push({ row: entry, receivedAtUs });
      }
      this.#tallies.add(inserted);
      this.#sums.add(inserted);
      savePosition.run(offsetBytes, lines, lastSeq, lastLineSha256);
    });
  }

  /**
   * Has what is inserted from now on wait for `save`, as one transaction: many rows of many hosts then write each page once. Other
   * changes of state.db made meanwhile are a part of it.
   */
  gather(): void {
    this.#run(() => this.#database.exec(`PRAGMA cache_size = -${GATHERING_CACHE_KIB}; BEGIN IMMEDIATE`));
    this.#isGathering = true;
  }

  /** Throws `disk-full` or `sync-failed`: then, as after an insert that throws, nothing of it is there. */
  save(): void {
    if (!this.#isGathering) return;
    try {
      this.#throwIfGone();
      this.#run(() => this.#database.exec('COMMIT'));
    } catch (error) {
      this.#forgetSums();
      throw error;
    } finally {
      this.#endGathering();
    }
  }

  /** What there is of an id: either part may be there without the other. */
  lookUp(hostId: string, episodeId: string): { row?: SequencedRow; tombstone?: SequencedTombstone } {
    return this.#run(() => {
      const { row, tombstone } = this.#statements.lookUp.get(hostId, episodeId) ?? {};
      return {
        ...(row && { row: parseStored<SequencedRow>(row) }),
        ...(tombstone && { tombstone: parseStored<SequencedTombstone>(tombstone) }),
      };
    });
  }

  read(afterSeq: number, limit: number): LedgerEntry[] {
    return this.#run(() =>
      this.#statements.read
        .all({ $afterSeq: afterSeq, $limit: limit })
        .map(({ entry }) => parseStored<LedgerEntry>(entry)),
    );
  }

  /** What gives the slices of one page, each after a seq and of up to `limit` rows. */
  scan(filter: LedgerFilter): (afterSeq: number, limit: number) => ViewPage {
    return this.#pages(this.#run(() => this.#scan.begin(filter)));
  }

  /** As `scan`, from the newest row down: each before a seq. */
  scanNewest(filter: LedgerFilter): (beforeSeq: number, limit: number) => ViewPage {
    return this.#pages(this.#run(() => this.#scan.beginNewest(filter)));
  }

  tallies(question: TallyQuestion): Tally[] {
    return this.#run(() => this.#sums.tallies(question));
  }

  commitsOf(hostId: string): CommitTally[] {
    return this.#run(() => this.#sums.commitsOf(hostId));
  }

  hosts(): LedgerHost[] {
    return this.#run(() =>
      this.#statements.hosts.all().map((found) => ({
        hostId: String(found['host_id']),
        episodes: Number(found['episodes']),
        sizeBytes: Number(found['size_bytes']),
        last: parseStored<SequencedRow>(found['row']),
      })),
    );
  }

  /** The highest seq that `read` returns, 0 when there is none: below the position's where an entry was one too many for its episode. */
  lastSeq(): number {
    return this.#run(() => Number(this.#statements.lastSeq.get()?.['seq'] ?? 0));
  }

  clear(): void {
    this.#change(() => {
      this.#forgetSums();
      this.#database.exec(`
        DELETE FROM ledger_rows; DELETE FROM ledger_tombstones; DELETE FROM ledger_hosts; DELETE FROM ledger_quarters;
        DELETE FROM ledger_days; DELETE FROM ledger_host_days; DELETE FROM ledger_commit_days;
        DELETE FROM ledger_commits; DELETE FROM ledger_host_commits; DELETE FROM ledger_position;`);
    });
  }

  #pages(look: Look): (fromSeq: number, limit: number) => ViewPage {
    return (fromSeq, limit) =>
      this.#run(() => {
        const { rows, nextSeq } = look(fromSeq, limit);
        return { rows: rows.map((row) => parseStored<SequencedRow>(row)), nextSeq };
      });
  }

  #change(work: () => void): void {
    try {
      if (this.#isGathering) this.#throwIfGone();
      // A gathered change fails with all that was gathered: a savepoint for each would copy every page that it touches.
      this.#run(() => (this.#isGathering ? work() : inTransaction(this.#database, work)));
    } catch (error) {
      this.#forgetSums();
      if (this.#isGathering) this.#endGathering();
      throw error;
    }
  }

  /** A full disk ends a transaction, perhaps at another's change: all that was gathered is gone then. */
  #throwIfGone(): void {
    if (!this.#database.isTransaction) throw diskFull(this.#database.location() ?? 'state.db', undefined);
  }

  #endGathering(): void {
    this.#isGathering = false;
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    this.#database.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA shrink_memory`);
  }

  #forgetSums(): void {
    this.#tallies.forget();
    this.#sums.forget();
  }

  #run<T>(work: () => T): T {
    return onStateDatabase(this.#database, work);
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    insertRow: database.prepare(`
      INSERT INTO ledger_rows (seq, host_id, episode_id, commit_id, received_at_us, row) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (host_id, episode_id) DO NOTHING`),
    insertTombstone: database.prepare(`
      INSERT INTO ledger_tombstones (seq, host_id, episode_id, tombstone) VALUES (?, ?, ?, ?)
      ON CONFLICT (host_id, episode_id) DO NOTHING`),
    savePosition: database.prepare('INSERT OR REPLACE INTO ledger_position VALUES (1, ?, ?, ?, ?)'),
    lookUp: database.prepare(`
      SELECT (SELECT row FROM ledger_rows WHERE host_id = ?1 AND episode_id = ?2) AS row,
        (SELECT tombstone FROM ledger_tombstones WHERE host_id = ?1 AND episode_id = ?2) AS tombstone`),
    // Both tables are read along their keys and merged: nothing is sorted.
    read: database.prepare(`
      SELECT seq, row AS entry FROM ledger_rows WHERE seq > $afterSeq
      UNION ALL SELECT seq, tombstone FROM ledger_tombstones WHERE seq > $afterSeq
      ORDER BY seq LIMIT $limit`),
    hosts: database.prepare(`
      SELECT h.host_id, h.episodes, h.size_bytes, r.row FROM ledger_hosts AS h JOIN ledger_rows AS r ON r.seq = h.last_seq
      ORDER BY h.host_id`),
    lastSeq: database.prepare(`
      SELECT max(coalesce((SELECT max(seq) FROM ledger_rows), 0), coalesce((SELECT max(seq) FROM ledger_tombstones), 0)) AS seq`),
  };
}

// The view holds only what this class wrote from validated entries.
function parseStored<Entry extends LedgerEntry>(text: unknown): Entry {
  return JSON.parse(String(text)) as Entry;
}
