// source = "git": the head of a branch, or the commit that is pinned, from a mirror of the repository below the install base.

import { AppError } from '../../lib/app-error.ts';
import { parseCommit } from '../../protocol/commit.ts';
import type { UpdateState } from '../../protocol/update-state.ts';
import { badUntil } from './bad-releases.ts';
import { placeCheckout } from './place-checkout.ts';
import { removeTree } from './remove-tree.ts';
import { git } from './run-git.ts';
import type { Found, UpdateDependencies } from './update-dependencies.ts';

const short = (commit: string) => commit.slice(0, 12);

/** Brings the mirror up to date and changes nothing else. Throws `git-missing`, `git-failed`. */
export async function askGit(dependencies: UpdateDependencies, running: string, state: UpdateState): Promise<Found> {
  const { config, clock, logger, afterStep } = dependencies;
  const { remote, branch, pin } = config.autoupdate;
  if (remote === undefined) throw new AppError('bad-config', '[autoupdate] source = "git" without remote');
  await fetchMirror(dependencies, remote, branch);
  afterStep('asked');
  const commit = await wantedCommit(dependencies, branch, pin);
  if (commit === undefined) {
    return { kind: 'nothing', detail: `pinned to ${pin}, which is not on ${branch}` };
  }
  if (commit === running) return { kind: 'current', releaseNumber: null };
  const tried = { commit, releaseNumber: null };
  const until = badUntil(state.bad ?? [], tried, clock.wallTime());
  if (until !== undefined) {
    const detail = `${short(commit)} failed here and is not tried again before ${until}`;
    return { kind: 'left-alone', commit, detail, isBad: true };
  }
  logger.info({ commit, branch }, 'update: another commit is to run');
  return {
    kind: 'candidate',
    candidate: { ...tried, leftovers: [commit], place: () => placeCheckout(dependencies, commit, running) },
  };
}

async function fetchMirror(dependencies: UpdateDependencies, remote: string, branch: string): Promise<void> {
  const { layout } = dependencies;
  const refs = `+refs/heads/${branch}:refs/heads/${branch}`;
  const fetch = async () => {
    await git(dependencies, 'init', '--quiet', '--bare', layout.mirror);
    await git(dependencies, '--git-dir', layout.mirror, 'fetch', '--quiet', '--no-tags', '--', remote, refs);
  };
  try {
    await fetch();
  } catch (error) {
    // What a killed git leaves: a lock that nobody holds, or objects that are not whole.
    if (!(error instanceof AppError) || !/\.lock'|corrupt|bad object|not a git repository/i.test(error.message))
      throw error;
    await removeTree(layout.mirror);
    await fetch();
  }
}

async function wantedCommit(
  dependencies: UpdateDependencies,
  branch: string,
  pin: string | undefined,
): Promise<string | undefined> {
  const { layout } = dependencies;
  const of = (...args: string[]) => git(dependencies, '--git-dir', layout.mirror, ...args);
  const head = `refs/heads/${branch}`;
  if (pin === undefined) return parseCommit(await of('rev-parse', '--verify', `${head}^{commit}`)) ?? undefined;
  // Only what is on the branch: somebody else's commit may be in the mirror, too.
  const commits = (await of('rev-list', head)).split('\n');
  return commits.find((commit) => commit.startsWith(pin));
}
