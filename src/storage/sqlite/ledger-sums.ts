// What is stored by day, host and commit, kept in the transaction that inserts the rows: an answer reads as many rows as it has, however
// old the ledger is. Each host's days hold its total up to their end, so that any span of days is the difference of two of them.

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { CommitTally, Tally, TallyQuestion } from '../ledger.ts';
import type { TalliedRow } from './ledger-tallies.ts';

const DAY_US = 86_400_000_000;
const DAY_MS = 86_400_000;
/** Before every other: of rows whose time does not parse. */
const NO_DAY = -10_000_000;
const AFTER_EVERY_DAY = 10_000_000;
const NO_COMMIT = '';

interface Sum {
  /** One of the rows: what they are summed by is the same in all of them. */
  of: TalliedRow;
  episodes: number;
  sizeBytes: number;
  lastSeq: number;
}

export class LedgerSums {
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** Each host's highest day, where most rows go; one that is not here is to be looked up. */
  readonly #highestDays = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#statements = prepareStatements(database);
  }

  /** Rows as they were inserted. */
  add(rows: readonly TalliedRow[]): void {
    const { addDay, addCommit, addCommitDay, addHostCommit } = this.#statements;
    for (const { of, episodes, sizeBytes } of sumBy(rows, dayOf)) {
      if (dayOf(of) !== NO_DAY) addDay.run(dayOf(of), episodes, sizeBytes);
    }
    for (const { of, episodes, sizeBytes } of sumBy(rows, commitOf)) addCommit.run(commitOf(of), episodes, sizeBytes);
    for (const { of, episodes, sizeBytes } of sumBy(rows, (row) => `${dayOf(row)} ${commitOf(row)}`)) {
      addCommitDay.run(dayOf(of), commitOf(of), episodes, sizeBytes);
    }
    for (const { of, episodes, sizeBytes, lastSeq } of sumBy(rows, (row) => `${row.row.host_id} ${commitOf(row)}`)) {
      addHostCommit.run(of.row.host_id, commitOf(of), episodes, sizeBytes, lastSeq);
    }
    for (const sum of sumBy(rows, (row) => `${row.row.host_id} ${dayOf(row)}`)) this.#addHostDay(sum);
  }

  /** The transaction of the last `add` was undone, or the tables were emptied. */
  forget(): void {
    this.#highestDays.clear();
  }

  /** Throws `RangeError` for a day that is none. */
  tallies({ by, since, until }: TallyQuestion): Tally[] {
    const { days, hosts, hostsBetween, commits, commitsBetween } = this.#statements;
    const isAll = since === undefined && until === undefined;
    const span = {
      $first: since === undefined ? NO_DAY + 1 : parseDay(since),
      $end: until === undefined ? AFTER_EVERY_DAY : parseDay(until),
    };
    if (by === 'day') return days.all(span).map((found) => toTally(found, formatDay(Number(found['day']))));
    if (by === 'commit')
      return (isAll ? commits.all() : commitsBetween.all(span)).map((found) =>
        toTally(found, commitIn(found['commit_id'])),
      );
    return (isAll ? hosts.all() : hostsBetween.all(span)).map((found) => toTally(found, String(found['host_id'])));
  }

  commitsOf(hostId: string): CommitTally[] {
    return this.#statements.commitsOf.all(hostId).map((found) => ({
      commit: commitIn(found['commit_id']),
      episodes: Number(found['episodes']),
      sizeBytes: Number(found['size_bytes']),
      lastSeq: Number(found['last_seq']),
    }));
  }

  #addHostDay({ of, episodes, sizeBytes }: Sum): void {
    const day = dayOf(of);
    if (day === NO_DAY) return;
    const { host_id: hostId } = of.row;
    const { addHighestDay, beginHostDay, addLaterDays } = this.#statements;
    const highest = this.#highestDays.get(hostId) ?? this.#findHighestDay(hostId);
    if (highest === day) addHighestDay.run(episodes, sizeBytes, hostId, day);
    else {
      beginHostDay.run({ $hostId: hostId, $day: day, $episodes: episodes, $sizeBytes: sizeBytes });
      // A clock has stepped back: what lies after this day grows with it.
      if (highest > day) addLaterDays.run(episodes, sizeBytes, hostId, day);
    }
    this.#highestDays.set(hostId, Math.max(highest, day));
  }

  #findHighestDay(hostId: string): number {
    const found = this.#statements.findHighestDay.get(hostId);
    return found ? Number(found['day']) : NO_DAY;
  }
}

function prepareStatements(database: DatabaseSync) {
  const before = (column: string) =>
    `coalesce((SELECT ${column} FROM ledger_host_days WHERE host_id = $hostId AND day < $day ORDER BY day DESC LIMIT 1), 0)`;
  return {
    addDay: database.prepare(`
      INSERT INTO ledger_days (day, episodes, size_bytes) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET episodes = episodes + excluded.episodes, size_bytes = size_bytes + excluded.size_bytes`),
    addCommit: database.prepare(`
      INSERT INTO ledger_commits (commit_id, episodes, size_bytes) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET episodes = episodes + excluded.episodes, size_bytes = size_bytes + excluded.size_bytes`),
    addCommitDay: database.prepare(`
      INSERT INTO ledger_commit_days (day, commit_id, episodes, size_bytes) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET episodes = episodes + excluded.episodes, size_bytes = size_bytes + excluded.size_bytes`),
    addHostCommit: database.prepare(`
      INSERT INTO ledger_host_commits (host_id, commit_id, episodes, size_bytes, last_seq) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET episodes = episodes + excluded.episodes, size_bytes = size_bytes + excluded.size_bytes,
        last_seq = excluded.last_seq`),
    findHighestDay: database.prepare('SELECT day FROM ledger_host_days WHERE host_id = ? ORDER BY day DESC LIMIT 1'),
    addHighestDay: database.prepare(`
      UPDATE ledger_host_days SET episodes_to = episodes_to + ?, size_bytes_to = size_bytes_to + ? WHERE host_id = ? AND day = ?`),
    beginHostDay: database.prepare(`
      INSERT INTO ledger_host_days (host_id, day, episodes_to, size_bytes_to)
      VALUES ($hostId, $day, ${before('episodes_to')} + $episodes, ${before('size_bytes_to')} + $sizeBytes)
      ON CONFLICT DO UPDATE SET episodes_to = episodes_to + $episodes, size_bytes_to = size_bytes_to + $sizeBytes`),
    addLaterDays: database.prepare(`
      UPDATE ledger_host_days SET episodes_to = episodes_to + ?, size_bytes_to = size_bytes_to + ? WHERE host_id = ? AND day > ?`),
    days: database.prepare('SELECT * FROM ledger_days WHERE day >= $first AND day < $end ORDER BY day'),
    hosts: database.prepare('SELECT * FROM ledger_hosts ORDER BY host_id'),
    // The total up to the last day before the end, less the one up to the last day before the beginning.
    hostsBetween: database.prepare(`
      SELECT h.host_id, last.episodes_to - coalesce(before.episodes_to, 0) AS episodes,
        last.size_bytes_to - coalesce(before.size_bytes_to, 0) AS size_bytes
      FROM ledger_hosts AS h
      JOIN ledger_host_days AS last ON last.host_id = h.host_id
        AND last.day = (SELECT max(day) FROM ledger_host_days WHERE host_id = h.host_id AND day >= $first AND day < $end)
      LEFT JOIN ledger_host_days AS before ON before.host_id = h.host_id
        AND before.day = (SELECT max(day) FROM ledger_host_days WHERE host_id = h.host_id AND day < $first)
      ORDER BY h.host_id`),
    commits: database.prepare('SELECT * FROM ledger_commits ORDER BY commit_id'),
    commitsBetween: database.prepare(`
      SELECT commit_id, sum(episodes) AS episodes, sum(size_bytes) AS size_bytes FROM ledger_commit_days
      WHERE day >= $first AND day < $end GROUP BY commit_id ORDER BY commit_id`),
    commitsOf: database.prepare('SELECT * FROM ledger_host_commits WHERE host_id = ? ORDER BY last_seq DESC'),
  };
}

function sumBy(rows: readonly TalliedRow[], keyOf: (row: TalliedRow) => string | number): Iterable<Sum> {
  const sums = new Map<string | number, Sum>();
  for (const of of rows) {
    const sum = sums.getOrInsertComputed(keyOf(of), () => ({ of, episodes: 0, sizeBytes: 0, lastSeq: 0 }));
    sum.episodes += 1;
    sum.sizeBytes += of.row.bytes;
    sum.lastSeq = of.row.seq;
  }
  return sums.values();
}

function dayOf({ receivedAtUs }: TalliedRow): number {
  return receivedAtUs === undefined ? NO_DAY : Math.floor(Number(receivedAtUs) / DAY_US);
}

function commitOf({ row }: TalliedRow): string {
  return row.commit ?? NO_COMMIT;
}

function commitIn(value: SQLOutputValue | undefined): string | null {
  return value === NO_COMMIT ? null : String(value);
}

function toTally(found: Record<string, SQLOutputValue>, key: string | null): Tally {
  return { key, episodes: Number(found['episodes']), sizeBytes: Number(found['size_bytes']) };
}

function parseDay(text: string): number {
  const timeMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs) || formatDay(timeMs / DAY_MS) !== text) throw new RangeError(`${text} is no day`);
  return timeMs / DAY_MS;
}

function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
