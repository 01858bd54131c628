// What the view knows of rows in sum, kept in the transaction that inserts them: each host's episodes, and in which seqs a time can lie.

import type { DatabaseSync } from 'node:sqlite';
import type { SequencedRow } from '../../protocol/ledger-row.ts';

const QUARTER_US = 900_000_000;

interface HostTally {
  episodes: number;
  sizeBytes: number;
  lastSeq: number;
}

/** A row as it was inserted; no time where its text names none. */
export interface TalliedRow {
  row: SequencedRow;
  receivedAtUs: bigint | undefined;
}

export interface SeqBounds {
  lowestSeq: number;
  highestSeq: number;
}

// The bound of the quarter hour that the last row lies in: it grows without being written again.
const GROWING = Number.MAX_SAFE_INTEGER;

export class LedgerTallies {
  readonly #addHost;
  readonly #beginQuarter;
  readonly #endQuarter;
  readonly #findGrowing;
  readonly #bounds;
  /** Undefined: to be looked up in the table. */
  #growing: number | 'none' | undefined;

  constructor(database: DatabaseSync) {
    this.#addHost = database.prepare(`
      INSERT INTO ledger_hosts (host_id, episodes, size_bytes, last_seq) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET episodes = episodes + excluded.episodes, size_bytes = size_bytes + excluded.size_bytes,
        last_seq = excluded.last_seq`);
    this.#beginQuarter = database.prepare(`
      INSERT INTO ledger_quarters (quarter, lowest_seq, highest_seq) VALUES (?, ?, ${GROWING})
      ON CONFLICT DO UPDATE SET highest_seq = ${GROWING}`);
    this.#endQuarter = database.prepare('UPDATE ledger_quarters SET highest_seq = ? WHERE quarter = ?');
    this.#findGrowing = database.prepare(`SELECT quarter FROM ledger_quarters WHERE highest_seq = ${GROWING}`);
    this.#bounds = database.prepare(`
      SELECT min(lowest_seq) AS lowest, max(highest_seq) AS highest FROM ledger_quarters WHERE quarter BETWEEN ? AND ?`);
  }

  /** Rows in order, all above those before. One statement per host, and two whenever the quarter hour changes. */
  add(rows: readonly TalliedRow[]): void {
    const hosts = new Map<string, HostTally>();
    for (const { row, receivedAtUs } of rows) {
      const { episodes, sizeBytes } = hosts.get(row.host_id) ?? { episodes: 0, sizeBytes: 0 };
      hosts.set(row.host_id, { episodes: episodes + 1, sizeBytes: sizeBytes + row.bytes, lastSeq: row.seq });
      if (receivedAtUs !== undefined) this.#place(row.seq, quarterOf(receivedAtUs));
    }
    for (const [hostId, { episodes, sizeBytes, lastSeq }] of hosts) {
      this.#addHost.run(hostId, episodes, sizeBytes, lastSeq);
    }
  }

  /** The transaction of the last `add` was undone, or the tables were emptied. */
  forget(): void {
    this.#growing = undefined;
  }

  #place(seq: number, quarter: number): void {
    this.#growing ??= this.#readGrowing();
    if (this.#growing === quarter) return;
    if (this.#growing !== 'none') this.#endQuarter.run(seq - 1, this.#growing);
    this.#beginQuarter.run(quarter, seq);
    this.#growing = quarter;
  }

  #readGrowing(): number | 'none' {
    const found = this.#findGrowing.get();
    return found ? Number(found['quarter']) : 'none';
  }

  /** Where rows from `sinceUs` on and before `untilUs` lie, if there are any; clocks step, so others may lie between them. */
  boundsOf(sinceUs: bigint | undefined, untilUs: bigint | undefined): SeqBounds | undefined {
    const first = sinceUs === undefined ? Number.MIN_SAFE_INTEGER : quarterOf(sinceUs);
    const last = untilUs === undefined ? Number.MAX_SAFE_INTEGER : quarterOf(untilUs);
    const found = this.#bounds.get(first, last);
    if (!found || found['lowest'] === null) return undefined;
    return { lowestSeq: Number(found['lowest']), highestSeq: Number(found['highest']) };
  }
}

/** Rises with the time, also where the number of microseconds is too large to be exact. */
function quarterOf(timeUs: bigint): number {
  return Math.floor(Number(timeUs) / QUARTER_US);
}
