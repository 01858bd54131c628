// Where the gate learns the branch from. A source answers with commits or throws; an empty branch is a failure, not an answer.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { parseCommit } from '../../protocol/commit.ts';

/** Who told a commit. `last-known-good` is gate.json, whoever told it then. */
export const SOURCE_NAMES = ['forgejo', 'git-fallback', 'git', 'static', 'last-known-good'] as const;
export type SourceName = (typeof SOURCE_NAMES)[number];

/** The branch as a source told it, newest first. May reach beyond the window: that only serves to tell distances. */
export interface BranchKnowledge {
  commits: readonly string[];
  source: SourceName;
}

export interface CommitSource {
  /** Gives up when `closing` aborts. Throws `gate-source-failed`. */
  read(closing?: AbortSignal): Promise<BranchKnowledge>;
}

const GIT_TIMEOUT_MS = 10_000;
// How many windows to read, so that a refusal can say how far behind a commit is.
const WINDOWS_READ = 10;

/** The branch of a local git checkout or bare mirror, by `git log`. */
export function gitSource(
  repositoryPath: string,
  branch: string,
  window: number,
  source: 'git' | 'git-fallback' = 'git',
): CommitSource {
  return {
    async read(closing) {
      const commits = await readBranch(repositoryPath, branch, window * WINDOWS_READ, closing);
      if (commits.length === 0) throw failed(repositoryPath, branch, new Error('git log printed no commit'));
      return { commits, source };
    },
  };
}

/** A checkout that was not configured but found: it may speak only if one of its remotes is the repository `ownerAndName` (`lab/recorder`). */
export function checkoutSource(path: string, ownerAndName: string, branch: string, window: number): CommitSource {
  const source = gitSource(path, branch, window, 'git-fallback');
  return {
    async read(closing) {
      const remotes = await git(path, ['config', '--get-regexp', '^remote\\..*\\.url$'], closing).catch(() => '');
      // `https://forge/lab/recorder.git`, `git@forge:lab/recorder`.
      const urls = remotes.split('\n').map((line) => line.replace(/(?:\.git)?\/?$/, ''));
      const isOfIt = urls.some((url) => url.endsWith(`/${ownerAndName}`) || url.endsWith(`:${ownerAndName}`));
      if (!isOfIt) throw failed(path, branch, new Error(`none of its remotes is ${ownerAndName}`));
      return await source.read(closing);
    },
  };
}

/** A list from the configuration, newest first. */
export function staticSource(commits: readonly string[]): CommitSource {
  return { read: () => Promise.resolve({ commits, source: 'static' }) };
}

/** A tag of the same name must not stand for the branch; what is no local branch (HEAD, origin/main) is read as git reads it. */
async function readBranch(path: string, branch: string, count: number, closing?: AbortSignal): Promise<string[]> {
  return await gitLog(path, `refs/heads/${branch}`, count, closing).catch(() => gitLog(path, branch, count, closing));
}

async function gitLog(
  repositoryPath: string,
  branch: string,
  count: number,
  closing: AbortSignal | undefined,
): Promise<string[]> {
  try {
    const range = [`--max-count=${count}`, '--end-of-options', branch, '--'];
    const stdout = await git(repositoryPath, ['log', '--format=%H', ...range], closing);
    return stdout.split('\n').flatMap((line) => parseCommit(line) ?? []);
  } catch (error) {
    throw failed(repositoryPath, branch, error);
  }
}

async function git(repositoryPath: string, args: string[], closing: AbortSignal | undefined): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', repositoryPath, ...args], {
    timeout: GIT_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
    env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
    ...(closing && { signal: closing }),
  });
  return stdout;
}

function failed(repositoryPath: string, branch: string, cause: unknown): AppError {
  const lines = messageOf(cause).trim().split('\n');
  const reason = lines.find((line) => line.startsWith('fatal: ')) ?? lines.at(-1) ?? '';
  return new AppError('gate-source-failed', `cannot read branch ${branch} of ${repositoryPath}: ${reason}`, {
    retryable: true,
    hint: `try it as the receiver's user: git -C ${repositoryPath} log -1 ${branch}`,
    cause,
  });
}
