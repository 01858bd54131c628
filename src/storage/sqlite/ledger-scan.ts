// Looks for stored rows that match a filter, a slice of bounded length at a time, so that no look holds up the event loop.

import type { DatabaseSync } from 'node:sqlite';
import type { LedgerFilter } from '../ledger.ts';
import type { LedgerTallies, SeqBounds } from './ledger-tallies.ts';
import { parseWallTime } from './parse-wall-time.ts';

// Each may be on a page of its own that is not in memory.
const SLICE_ROWS = 512;

export interface ScanSlice {
  /** The rows that match, as JSON. */
  rows: string[];
  /** Where the next slice begins; undefined at the end. */
  nextAfterSeq: number | undefined;
}

type Parameters = Record<string, string | number | bigint | null>;

export class LedgerScan {
  readonly #tallies: LedgerTallies;
  readonly #byHost;
  readonly #byCommit;
  readonly #bySeq;

  constructor(database: DatabaseSync, tallies: LedgerTallies) {
    this.#tallies = tallies;
    this.#byHost = database.prepare(scanning('INDEXED BY ledger_rows_of_host', 'host_id = $hostId AND'));
    this.#byCommit = database.prepare(scanning('INDEXED BY ledger_rows_of_commit', 'commit_id = $commit AND'));
    this.#bySeq = database.prepare(scanning('NOT INDEXED', ''));
  }

  /** Prepares the looks of one page. Throws `RangeError` for a time that is none. */
  begin(filter: LedgerFilter): (afterSeq: number, limit: number) => ScanSlice {
    const { hostId, commit, since, until, withRetracted } = filter;
    const [sinceUs, untilUs] = [since, until].map((time) => (time === undefined ? undefined : timeOf(time)));
    const isTimed = since !== undefined || until !== undefined;
    const bounds = isTimed ? this.#tallies.boundsOf(sinceUs, untilUs) : ALL;
    if (!bounds) return () => ({ rows: [], nextAfterSeq: undefined });
    const matching: Parameters = {
      $hostId: hostId ?? null,
      $commit: commit ?? null,
      $since: sinceUs ?? null,
      $until: untilUs ?? null,
      $highest: bounds.highestSeq,
      $withRetracted: withRetracted ? 1 : 0,
    };
    return (afterSeq, limit) => this.#look(matching, Math.max(afterSeq, bounds.lowestSeq - 1), limit);
  }

  #look(matching: Parameters, afterSeq: number, limit: number): ScanSlice {
    // A host has fewer rows than a commit that the whole fleet runs.
    const statement =
      matching['$hostId'] !== null ? this.#byHost : matching['$commit'] !== null ? this.#byCommit : this.#bySeq;
    const rows: string[] = [];
    let [looks, lastSeq, lastMatch] = [0, afterSeq, afterSeq];
    for (const { seq, row } of statement.iterate({ ...matching, $afterSeq: afterSeq, $limit: SLICE_ROWS })) {
      looks += 1;
      lastSeq = Number(seq);
      if (row === null) continue;
      // One more that matches: so the next page is not empty.
      if (rows.length === limit) return { rows, nextAfterSeq: lastMatch };
      rows.push(String(row));
      lastMatch = lastSeq;
    }
    return { rows, nextAfterSeq: looks === SLICE_ROWS ? lastSeq : undefined };
  }
}

const ALL: SeqBounds = { lowestSeq: 0, highestSeq: Number.MAX_SAFE_INTEGER };

/** All rows in a range of seq along one index, each with its content where it matches. */
function scanning(index: string, equality: string): string {
  return `
    SELECT seq, CASE WHEN ($hostId IS NULL OR host_id = $hostId) AND ($commit IS NULL OR commit_id = $commit)
        AND ($since IS NULL OR received_at_us >= $since) AND ($until IS NULL OR received_at_us < $until)
        AND ($withRetracted = 1 OR NOT EXISTS (SELECT 1 FROM ledger_tombstones AS t WHERE t.host_id = r.host_id AND t.episode_id = r.episode_id))
      THEN row END AS row
    FROM ledger_rows AS r ${index}
    WHERE ${equality} seq > $afterSeq AND seq <= $highest ORDER BY seq LIMIT $limit`;
}

function timeOf(text: string): bigint {
  const time = parseWallTime(text);
  if (time === undefined) throw new RangeError(`${text} is no time`);
  return time;
}
