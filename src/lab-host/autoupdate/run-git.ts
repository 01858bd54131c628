// git, or why it could not do what it was asked.

import { AppError } from '../../lib/app-error.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

/** Its output. Throws `git-missing`, `git-failed`. */
export async function git({ run }: Pick<UpdateDependencies, 'run'>, ...args: string[]): Promise<string> {
  const answer = await run('git', args);
  if (answer.kind === 'absent') {
    throw new AppError('git-missing', 'there is no git on this machine', { hint: 'sudo apt-get install git' });
  }
  if (answer.code === 0) return answer.stdout.trim();
  const lines = answer.stderr.trim().split('\n');
  const faults = lines.filter((line) => /^(?:fatal|error): /.test(line));
  const said = (faults.length > 0 ? faults : lines).slice(0, 3).join('; ').slice(0, 500);
  throw new AppError('git-failed', `git ${args.find((arg) => /^(init|fetch|rev-|archive)/.test(arg))}: ${said}`, {
    hint: 'try it as root: sudo git ls-remote with [autoupdate] remote',
    retryable: true,
  });
}
