// Looks for stored rows that match a filter, a slice of bounded length at a time, so that no look holds up the event loop.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LedgerFilter } from '../ledger.ts';
import type { LedgerTallies, SeqBounds } from './ledger-tallies.ts';
import { parseWallTime } from './parse-wall-time.ts';

// Each may be on a page of its own that is not in memory.
const SLICE_ROWS = 512;

interface ScanSlice {
  /** The rows that match, as JSON. */
  rows: string[];
  /** Where the next slice begins; undefined at the end. */
  nextSeq: number | undefined;
}

/** One look: at rows above `fromSeq`, or below it where the newest come first. */
export type Look = (fromSeq: number, limit: number) => ScanSlice;

type Order = 'ASC' | 'DESC';
type Parameters = Record<string, string | number | bigint | null>;
type Statements = ReturnType<typeof prepareStatements>;

export class LedgerScan {
  readonly #tallies: LedgerTallies;
  readonly #ascending: Statements;
  readonly #descending: Statements;

  constructor(database: DatabaseSync, tallies: LedgerTallies) {
    this.#tallies = tallies;
    this.#ascending = prepareStatements(database, 'ASC');
    this.#descending = prepareStatements(database, 'DESC');
  }

  /** Prepares the looks of one page, each at rows above a seq. Throws `RangeError` for a time that is none. */
  begin(filter: LedgerFilter): Look {
    const [bounds, matching] = this.#prepare(filter);
    if (!bounds) return nothing;
    const statement = choose(this.#ascending, matching);
    return (afterSeq, limit) =>
      look(statement, { ...matching, ...between(Math.max(afterSeq, bounds.lowestSeq - 1), bounds.highestSeq) }, limit);
  }

  /** As `begin`, each at rows below a seq, the newest first. */
  beginNewest(filter: LedgerFilter): Look {
    const [bounds, matching] = this.#prepare(filter);
    if (!bounds) return nothing;
    const statement = choose(this.#descending, matching);
    return (beforeSeq, limit) =>
      look(
        statement,
        { ...matching, ...between(bounds.lowestSeq - 1, Math.min(beforeSeq - 1, bounds.highestSeq)) },
        limit,
      );
  }

  #prepare({ hostId, commit, since, until, withRetracted }: LedgerFilter): [SeqBounds | undefined, Parameters] {
    const [sinceUs, untilUs] = [since, until].map((time) => (time === undefined ? undefined : timeOf(time)));
    const isTimed = since !== undefined || until !== undefined;
    const matching: Parameters = {
      $hostId: hostId ?? null,
      $commit: commit ?? null,
      $since: sinceUs ?? null,
      $until: untilUs ?? null,
      $withRetracted: withRetracted ? 1 : 0,
    };
    return [isTimed ? this.#tallies.boundsOf(sinceUs, untilUs) : ALL, matching];
  }
}

const ALL: SeqBounds = { lowestSeq: 0, highestSeq: Number.MAX_SAFE_INTEGER };

function nothing(): ScanSlice {
  return { rows: [], nextSeq: undefined };
}

function between(aboveSeq: number, highestSeq: number): Parameters {
  return { $above: aboveSeq, $highest: highestSeq };
}

function look(statement: StatementSync, matching: Parameters, limit: number): ScanSlice {
  const rows: string[] = [];
  let [looks, lastSeq, lastMatch] = [0, 0, 0];
  for (const { seq, row } of statement.iterate({ ...matching, $limit: SLICE_ROWS })) {
    looks += 1;
    lastSeq = Number(seq);
    if (row === null) continue;
    // One more that matches: so the next page is not empty.
    if (rows.length === limit) return { rows, nextSeq: lastMatch };
    rows.push(String(row));
    lastMatch = lastSeq;
  }
  return { rows, nextSeq: looks === SLICE_ROWS ? lastSeq : undefined };
}

/** A host has fewer rows than a commit that the whole fleet runs. */
function choose({ byHost, byCommit, bySeq }: Statements, matching: Parameters): StatementSync {
  if (matching['$hostId'] !== null) return byHost;
  return matching['$commit'] === null ? bySeq : byCommit;
}

function prepareStatements(database: DatabaseSync, order: Order) {
  return {
    byHost: database.prepare(scanning('INDEXED BY ledger_rows_of_host', 'host_id = $hostId AND', order)),
    byCommit: database.prepare(scanning('INDEXED BY ledger_rows_of_commit', 'commit_id = $commit AND', order)),
    bySeq: database.prepare(scanning('NOT INDEXED', '', order)),
  };
}

/** All rows in a range of seq along one index, each with its content where it matches. */
function scanning(index: string, equality: string, order: Order): string {
  return `
    SELECT seq, CASE WHEN ($hostId IS NULL OR host_id = $hostId) AND ($commit IS NULL OR commit_id = $commit)
        AND ($since IS NULL OR received_at_us >= $since) AND ($until IS NULL OR received_at_us < $until)
        AND ($withRetracted = 1 OR NOT EXISTS (SELECT 1 FROM ledger_tombstones AS t WHERE t.host_id = r.host_id AND t.episode_id = r.episode_id))
      THEN row END AS row
    FROM ledger_rows AS r ${index}
    WHERE ${equality} seq > $above AND seq <= $highest ORDER BY seq ${order} LIMIT $limit`;
}

function timeOf(text: string): bigint {
  const time = parseWallTime(text);
  if (time === undefined) throw new RangeError(`${text} is no time`);
  return time;
}
