// The data set: what is stored, by day, host and commit; one episode found by its name; the newest ones, and how to take them out.

import { AppError } from '../../../lib/app-error.ts';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { Ledger, LedgerFilter, NewestPage, Tally } from '../../../storage/ledger.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import type { Dashboard } from '../dashboard.ts';
import { ownOrigin } from '../show/own-origin.ts';
import { type DataQuestion, hasFilter, readDataQuestion, wholeDays } from './data-question.ts';
import { type DataFacts, dataView } from './data-view.ts';
import { findEpisodes } from './find-episodes.ts';

const ROWS = 25;
// A page of the ledger may hold few of the rows that are asked for, or none.
const MOST_LOOKS = 8;
const DAYS_SHOWN = 90;
const MOST_DAYS = 1_100;
const DAY_MS = 86_400_000;

export function registerDataPage(dashboard: Dashboard, dependencies: DataPageDependencies): void {
  const { ledger } = dependencies;
  dashboard.page('/data', 'read-index', async ({ query, now, context }) => {
    requireLedger(ledger);
    const commits = await ledger.tallies({ by: 'commit' });
    const question = readDataQuestion(
      query,
      commits.flatMap(({ key }) => (key === null ? [] : [key])),
    );
    const hosts = await ledger.tallies({ by: 'host' });
    const left = new AbortController();
    context.env.outgoing.once('close', () => left.abort());
    const found = question.episode && (await findEpisodes(ledger, question, hosts, left.signal));
    const [only, second] = found ?? [];
    if (only && !second) return { goTo: `/data/${only.host_id}/${only.episode_id}` };
    const { gate, authenticator } = dependencies;
    const facts: DataFacts = {
      question,
      hosts,
      commits,
      found,
      ...(await readCounts(ledger, question.filter, now)),
      newest: found ? { rows: [], nextBeforeSeq: undefined } : await readNewest(ledger, question),
      distanceOf: (commit) => gate.distanceOf(commit),
      origin: ownOrigin(context.env.incoming),
      needsCredential: authenticator.needsCredential,
      now,
    };
    return dataView(facts);
  });
}

type DataPageDependencies = Pick<RouteDependencies, 'ledger' | 'gate' | 'authenticator'>;

/** Throws `not-ready` while the ledger is still being read: whatever asks would wait for it. */
export function requireLedger(ledger: Pick<Ledger, 'isCaughtUp'>): void {
  if (ledger.isCaughtUp()) return;
  throw new AppError('not-ready', 'The ledger is still being read after the start.', { retryable: true });
}

/** What is counted by host, commit and day, as far as it is counted for what is selected. */
async function readCounts(
  ledger: Ledger,
  filter: LedgerFilter,
  now: string,
): Promise<Pick<DataFacts, 'days' | 'hostsInDays' | 'commitsInDays' | 'ofHost'>> {
  const days = wholeDays(filter);
  const { hostId, commit } = filter;
  const isOfAll = hostId === undefined && commit === undefined;
  const isBounded = days !== undefined && (days.since !== undefined || days.until !== undefined);
  const [byDay, hostsInDays, commitsInDays, ofHost] = await Promise.all([
    isOfAll && days ? readDays(ledger, days, now) : undefined,
    isBounded ? ledger.tallies({ by: 'host', ...days }) : undefined,
    isBounded ? ledger.tallies({ by: 'commit', ...days }) : undefined,
    hostId !== undefined && !isBounded && days ? ledger.commitsOf(hostId) : undefined,
  ]);
  return { days: byDay, hostsInDays, commitsInDays, ofHost };
}

/** Every day from the first to the last, those with nothing too. */
async function readDays(
  ledger: Ledger,
  { since, until }: { since?: string; until?: string },
  now: string,
): Promise<Tally[]> {
  const endMs = until === undefined ? Date.parse(now.slice(0, 10)) + DAY_MS : Date.parse(until);
  const beginMs = since === undefined ? endMs - DAYS_SHOWN * DAY_MS : Date.parse(since);
  const firstMs = Math.max(beginMs, endMs - MOST_DAYS * DAY_MS);
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const tallies = await ledger.tallies({ by: 'day', since: dayOf(firstMs), until: dayOf(endMs) });
  const byDay = new Map(tallies.map((tally) => [tally.key, tally]));
  return Array.from({ length: Math.max(0, (endMs - firstMs) / DAY_MS) }, (_, index) => {
    const key = dayOf(firstMs + index * DAY_MS);
    return byDay.get(key) ?? { key, episodes: 0, sizeBytes: 0 };
  });
}

async function readNewest(ledger: Ledger, { filter, beforeSeq, mistakes }: DataQuestion): Promise<NewestPage> {
  if (Object.keys(mistakes).length > 0) return { rows: [], nextBeforeSeq: undefined };
  const rows: SequencedRow[] = [];
  let before = beforeSeq;
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const page = await ledger.newest(filter, before, ROWS - rows.length);
    rows.push(...page.rows);
    before = page.nextBeforeSeq;
    if (before === undefined || rows.length >= ROWS || !hasFilter(filter)) break;
  }
  return { rows, nextBeforeSeq: before };
}
