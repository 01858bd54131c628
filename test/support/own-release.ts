// This working tree as a release that is built, signed and ready to be published, by the commands that a maintainer uses.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { GitRepository } from './git-repository.ts';
import { PROJECT_ROOT, Program } from './program.ts';

export interface OwnRelease {
  /** With the bundle and its description. */
  directory: string;
  commit: string;
  /** The public key, as [autoupdate] release_keys has it. */
  key: string;
}

/** `work`: an empty directory. `directory`: where the release goes. npm's cache has what it needs once `npm ci` was run here. */
export async function buildOwnRelease(work: string, directory: string): Promise<OwnRelease> {
  const repository = new GitRepository(join(work, 'repository'));
  const copy = `
    cd "$1"
    git ls-files --cached --others --exclude-standard -z | xargs -0 sh -c 'for path; do if [ -e "$path" ]; then printf "%s\\0" "$path"; fi; done' - |
      xargs -0 cp --parents --no-dereference --preserve=mode -t "$2"`;
  execFileSync('sh', ['-e', '-c', copy, '-', PROJECT_ROOT, repository.path]);
  repository.run('add', '--all');
  const commit = repository.commit('release');
  const keyFile = join(work, 'release.key');
  const key = (await cis490('release', 'keygen', '--out', keyFile)).trim();
  const where = ['--repository', repository.path, '--platform', `linux-${process.arch}`, '--out', directory];
  await cis490('release', 'build', ...where);
  await cis490('release', 'sign', '--key', keyFile, '--number', '1', directory);
  return { directory, commit, key };
}

async function cis490(...args: string[]): Promise<string> {
  const program = Program.cis490(args);
  const { code } = await program.ended;
  if (code !== 0) throw new Error(`exit code ${code}: cis490 ${args.join(' ')}\n${program.stdout}${program.stderr}`);
  return program.stdout;
}
