// The branch as the forge (Forgejo, Gitea) tells it: one history or a failure, never a mixture of two, and nothing of a page that failed.

import type { Clock } from '../../lib/clock.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import type { BranchKnowledge, CommitSource } from './commit-source.ts';
import { type ForgePage, fetchForgePage, forgeFailed } from './forge-page.ts';

const PAGE_LENGTH = 50;
const READING_LIMIT_MS = 10_000;
// How often a branch may move under the reader before it gives up.
const MOST_TRIES = 3;

export interface ForgeSourceOptions {
  forgejoUrl: string;
  owner: string;
  name: string;
  branch: string;
  /** How many commits are asked for. */
  window: number;
  token: Secret | undefined;
  clock: Clock;
}

type FetchPage = (number: number) => Promise<ForgePage>;

export function forgeSource(options: ForgeSourceOptions): CommitSource {
  const { branch, window, token, clock } = options;
  const repository = repositoryUrl(options);
  const urlOf = (page: number) => {
    const url = new URL(`${repository.href}/commits`);
    const query = { sha: branch, limit: PAGE_LENGTH, page, stat: false, verification: false, files: false };
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    return url;
  };
  let last: BranchKnowledge | undefined;

  return {
    async read(closing) {
      const limit = new AbortController();
      const ended = new AbortController();
      void clock.sleep(READING_LIMIT_MS, ended.signal).then(() => {
        limit.abort(new Error(`no whole answer within ${READING_LIMIT_MS / 1000} s`));
      });
      const close = () => limit.abort(new Error('the receiver is stopping'));
      closing?.addEventListener('abort', close);
      try {
        const fail = (what: string) => forgeFailed(urlOf(1), token, what);
        last = await readHistory((page) => fetchForgePage(urlOf(page), token, limit.signal), { window, last, fail });
        return last;
      } finally {
        ended.abort();
        closing?.removeEventListener('abort', close);
      }
    },
  };
}

/** The API's address of the repository, without a user's name or password: where the branch was learned from. */
export function repositoryUrl({ forgejoUrl, owner, name }: Pick<ForgeSourceOptions, 'forgejoUrl' | 'owner' | 'name'>) {
  const url = new URL(forgejoUrl);
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/repos/${owner}/${name}`;
  return url;
}

interface HistoryContext {
  window: number;
  last: BranchKnowledge | undefined;
  fail: (what: string) => Error;
}

async function readHistory(fetchPage: FetchPage, { window, last, fail }: HistoryContext): Promise<BranchKnowledge> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    const first = await fetchPage(1);
    const head = first.commits[0];
    if (head === undefined) throw fail('answered with an empty list of commits');
    // Commits name their parents by hash: the same head has the same history.
    if (head === last?.commits[0]) return last;
    const { commits, pages } = await readOn(first, fetchPage, { window, fail });
    // A push between two pages shifts what the later ones hold.
    if (pages === 1 || (await fetchPage(1)).commits[0] === head) return { commits, source: 'forgejo' };
  }
  throw fail(`the branch moved ${MOST_TRIES} times while its pages were read`);
}

async function readOn(
  first: ForgePage,
  fetchPage: FetchPage,
  { window, fail }: Omit<HistoryContext, 'last'>,
): Promise<{ commits: string[]; pages: number }> {
  const commits = new Set(first.commits);
  let page = first;
  let pages = 1;
  // A page shorter than was asked for is no end: a forge may cap the length.
  while (commits.size < window && page.hasMore !== false) {
    pages += 1;
    const before = commits.size;
    const next = await fetchPage(pages);
    if (next.commits.length === 0 && page.hasMore) throw fail(`promised a page ${pages} and answered it with nothing`);
    for (const commit of next.commits) commits.add(commit);
    if (commits.size === before) break;
    page = next;
  }
  return { commits: [...commits], pages };
}
