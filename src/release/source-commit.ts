// A commit's tracked files, as they are in the repository: nothing of the working tree, and nothing that this machine's git would change.

import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { unpackTar } from 'modern-tar/fs';
import { AppError, messageOf } from '../lib/app-error.ts';
import { isSystemError, runCommand } from './run-command.ts';

export interface SourceCommit {
  commit: string;
  committedAt: Date;
}

/** `revision`: whatever git takes for one. Throws `bad-input`, `git-missing`. */
export async function findCommit(repository: string, revision: string): Promise<SourceCommit> {
  await git(repository, `${repository} is no git repository that can be read`, 'rev-parse', '--git-dir');
  const commit = await git(
    repository,
    `${repository} has no commit ${JSON.stringify(revision)}`,
    ...['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`],
  );
  const seconds = await git(
    repository,
    `${commit} cannot be read`,
    ...['-c', 'log.showSignature=false', 'show', '--no-patch', '--format=%ct', commit],
  );
  return { commit, committedAt: new Date(Number(seconds) * 1000) };
}

/**
 * `directory` is there and empty; `work` is neither. Read through a bare repository of its own, which knows the objects alone: no settings,
 * attributes or filters of the repository, the user or the machine. Throws `bad-input`, `git-failed`, and what keeps files from being written.
 */
export async function unpackCommit(repository: string, commit: string, directory: string, work: string): Promise<void> {
  const purpose = `${commit} could not be read from ${repository}`;
  const objects = resolve(repository, await git(repository, purpose, 'rev-parse', '--git-path', 'objects'));
  const environment = bareEnvironment();
  const objectFormat = commit.length === 64 ? 'sha256' : 'sha1';
  await runCommand({
    program: 'git',
    args: ['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, work],
    directory,
    environment,
    purpose,
  });
  await mkdir(join(work, 'objects/info'), { recursive: true });
  await writeFile(join(work, 'objects/info/alternates'), `${objects}\n`);
  await runCommand({
    program: 'git',
    args: ['-c', 'tar.umask=0022', '-c', 'core.attributesFile=/dev/null', 'archive', '--format=tar', commit],
    directory: work,
    environment,
    purpose,
    takeOutput: async (output) => {
      await pipeline(output, unpackTar(directory)).catch((error: unknown) => {
        if (isSystemError(error)) throw error;
        throw new AppError('bad-input', `${commit} cannot be in a bundle: ${messageOf(error)}`, { cause: error });
      });
    },
  });
}

async function git(repository: string, otherwise: string, ...args: string[]): Promise<string> {
  try {
    const environment = gitEnvironment();
    return await runCommand({ program: 'git', args, directory: repository, environment, purpose: otherwise });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'git-failed') throw error;
    throw new AppError('bad-input', error.message, {
      hint: 'name it: cis490 release build --repository DIR --commit REV',
      cause: error,
    });
  }
}

/** A hook's own repository is not meant; messages in one language. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const { GIT_DIR: _directory, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...rest } = process.env;
  return { ...rest, LC_ALL: 'C' };
}

function bareEnvironment(): NodeJS.ProcessEnv {
  const nothing = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1' };
  return { PATH: process.env['PATH'], LC_ALL: 'C', ...nothing };
}
