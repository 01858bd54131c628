// What a reader asks of the data set: the query as it was typed, what it selects, and what is wrong with it. Pure.

import { formatWallTime } from '../../../lib/clock.ts';
import { parseCommit } from '../../../protocol/commit.ts';
import { isHostId } from '../../../protocol/ids.ts';
import type { LedgerFilter } from '../../../storage/ledger.ts';

export const DATA_FIELDS = ['host', 'commit', 'since', 'until', 'episode'] as const;
export type DataField = (typeof DATA_FIELDS)[number];

export interface DataQuestion {
  typed: Readonly<Record<DataField, string>>;
  filter: LedgerFilter;
  /** An episode's name, and its host where that was written before it. */
  episode: { hostId: string | undefined; episodeId: string } | undefined;
  /** Where the page begins; undefined: with the newest. */
  beforeSeq: number | undefined;
  /** Tables that are shown in full. */
  inFull: 'hosts' | 'commits' | undefined;
  mistakes: Partial<Record<DataField, string>>;
}

type Query = Readonly<Record<string, string>>;

const LEAST_DIGITS = 7;
// From then on a year has a sign and six digits: neither text order nor the days of the ledger hold there.
const YEAR_10000_MS = Date.UTC(10_000, 0);
const MIDNIGHT = 'T00:00:00.000000+00:00';

/** `knownCommits`: what the beginning of a commit may mean. */
export function readDataQuestion(query: Query, knownCommits: readonly string[]): DataQuestion {
  const typed = Object.fromEntries(DATA_FIELDS.map((field) => [field, (query[field] ?? '').trim()])) as Record<
    DataField,
    string
  >;
  const filter: LedgerFilter = {};
  const mistakes: DataQuestion['mistakes'] = {};
  if (isHostId(typed.host)) filter.hostId = typed.host;
  else if (typed.host !== '') mistakes.host = 'This is no host id.';
  if (typed.commit !== '') {
    const commit = findCommit(typed.commit, knownCommits);
    if ('commit' in commit) filter.commit = commit.commit;
    else mistakes.commit = commit.mistake;
  }
  for (const field of ['since', 'until'] as const) {
    if (typed[field] === '') continue;
    const time = parseTime(typed[field]);
    if (time === undefined)
      mistakes[field] = 'Write a date such as 2026-05-01, or a time such as 2026-05-01T06:30:00Z.';
    else filter[field] = time;
  }
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until)
    mistakes.until = 'This is not later than the beginning.';
  return {
    typed,
    filter,
    episode: readEpisode(typed.episode),
    beforeSeq: readSeq(query['before']),
    inFull: query['all'] === 'hosts' || query['all'] === 'commits' ? query['all'] : undefined,
    mistakes,
  };
}

/** The address of the page with this selection. Every part of it has been checked. */
export function dataPath(filter: LedgerFilter, more: Readonly<Record<string, string>> = {}): string {
  const { hostId, commit, since, until } = filter;
  const parts = { host: hostId, commit, since: since && asTyped(since), until: until && asTyped(until), ...more };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) query.append(name, value);
  return query.size === 0 ? '/data' : `/data?${query}`;
}

/** As `cis490 export` takes it, with a space before each; nothing for all that is stored. */
export function exportOptions({ hostId, commit, since, until }: LedgerFilter): string {
  const options = { host: hostId, commit, since: since && asTyped(since), until: until && asTyped(until) };
  return Object.entries(options)
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${value}`))
    .join('');
}

/** The days that it spans, for what is counted by day; undefined when it begins or ends within one. */
export function wholeDays({ since, until }: LedgerFilter): { since?: string; until?: string } | undefined {
  const isWhole = (time: string | undefined) => time === undefined || time.endsWith(MIDNIGHT);
  if (!isWhole(since) || !isWhole(until)) return undefined;
  return { ...(since && { since: since.slice(0, 10) }), ...(until && { until: until.slice(0, 10) }) };
}

export function hasFilter({ hostId, commit, since, until }: LedgerFilter): boolean {
  return [hostId, commit, since, until].some((part) => part !== undefined);
}

function asTyped(wallTime: string): string {
  return wallTime.endsWith(MIDNIGHT) ? wallTime.slice(0, 10) : wallTime;
}

function findCommit(text: string, known: readonly string[]): { commit: string } | { mistake: string } {
  const full = parseCommit(text);
  if (full !== undefined) return { commit: full };
  const start = text.toLowerCase();
  if (!/^[0-9a-f]+$/.test(start) || start.length < LEAST_DIGITS)
    return { mistake: `Write a commit in full, or at least its first ${LEAST_DIGITS} digits.` };
  const matches = known.filter((commit) => commit.startsWith(start) && parseCommit(commit) === commit);
  const [only, second] = matches;
  if (only === undefined) return { mistake: 'Nothing is stored of a commit that begins so.' };
  return second === undefined ? { commit: only } : { mistake: `${matches.length} commits begin so: write more of it.` };
}

/** A date begins at 00:00 UTC, as in the API. Undefined for what is no time, and for years that no episode can be of. */
function parseTime(text: string): string | undefined {
  try {
    const instant = Temporal.Instant.from(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00Z` : text);
    const { epochMilliseconds } = instant;
    return epochMilliseconds < 0 || epochMilliseconds >= YEAR_10000_MS ? undefined : formatWallTime(instant);
  } catch {
    return undefined;
  }
}

/** `EPISODE`, `HOST/EPISODE`, or either as the store names the file. */
function readEpisode(text: string): DataQuestion['episode'] {
  if (text === '') return undefined;
  const [episodeId = '', hostId] = text
    .replace(/\.tar\.zst$/, '')
    .split('/')
    .toReversed();
  return { hostId, episodeId };
}

function readSeq(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
