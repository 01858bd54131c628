// The commit of recording code that lies in a git checkout: HEAD, and whether tracked files differ from it, as `git describe --dirty`
// has it.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errnoOf, messageOf } from '../../lib/app-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { parseCommit } from '../../protocol/commit.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';

export type CodeVersionAnswer =
  | { kind: 'stamped'; codeVersion: CodeVersion }
  /** Nothing may be recorded; `hint` is the command that cures it. */
  | { kind: 'unstamped'; reason: string; hint: string };

const GIT_TIMEOUT_MS = 30_000;
const LONGEST_REASON = 500;

/** Only its top: a directory inside of somebody else's checkout (/etc under etckeeper, a home under git) is not its code. */
export async function isCheckout(directory: string): Promise<boolean> {
  return await isThere(join(directory, '.git'));
}

export async function readCheckout(directory: string): Promise<CodeVersionAnswer> {
  try {
    const commit = parseCommit(await git(directory, 'rev-parse', '--verify', 'HEAD'));
    if (!commit) throw new Error('git rev-parse HEAD printed no full commit');
    const changes = await git(directory, 'status', '--porcelain', '--untracked-files=no');
    return { kind: 'stamped', codeVersion: { commit, dirty: changes.trim() !== '', stamped_at_wall: null } };
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const problem = (said || messageOf(error)).replace(/\s+/g, ' ').slice(0, LONGEST_REASON);
    return {
      kind: 'unstamped',
      reason: `the commit of the checkout ${directory} cannot be told: ${problem}`,
      hint: hintFor(directory, error, said),
    };
  }
}

function hintFor(directory: string, error: unknown, said: string): string {
  const path = shellWord(directory);
  if (errnoOf(error) === 'ENOENT') return 'install git: apt-get install git';
  // git-config(1), safe.directory: for the whole system, since the service's user has no home to keep it in.
  if (said.includes('dubious ownership')) return `sudo git config --system --add safe.directory ${path}`;
  return `look at it as the orchestrator's user: git -C ${path} log -1; or stamp it: git -C ${path} rev-parse HEAD > ${shellWord(join(directory, 'VERSION'))}`;
}

async function git(directory: string, ...args: string[]): Promise<string> {
  // What a hook or a shell set for another repository must not lead elsewhere.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GIT_') || name === 'GIT_CONFIG_GLOBAL',
  );
  const { stdout } = await promisify(execFile)('git', ['-c', 'core.fsmonitor=false', '-C', directory, ...args], {
    encoding: 'utf8',
    timeout: GIT_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
    // Status would else write a refreshed index into a checkout that is not ours.
    env: { ...Object.fromEntries(inherited), GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
  });
  return stdout;
}
