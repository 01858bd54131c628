// Whole trees, by the system's own commands: they keep links, sparse files, special files, times, and names that are not UTF-8.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AppError } from '../../lib/app-error.ts';

// The look of a tree is some hundred bytes an entry: enough for a million of them.
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** `to` must not exist; its parent must. Nothing is followed. */
export async function copyTree(from: string, to: string): Promise<void> {
  await command('cp', ['--archive', '--no-target-directory', '--', from, to]);
}

export async function removeTree(path: string): Promise<void> {
  await command('rm', ['--recursive', '--force', '--one-file-system', '--', path]);
}

/** Links themselves, never what they lead to. */
export async function giveTree(path: string, uid: number, gid: number): Promise<void> {
  await command('chown', ['--recursive', '--no-dereference', '-P', '--', `${uid}:${gid}`, path]);
}

/** Whether all of it, links themselves included, belongs to one user. */
export async function belongsTo(path: string, uid: number): Promise<boolean> {
  return (await command('find', ['-P', path, '!', '-uid', `${uid}`, '-print', '-quit'])) === '';
}

/** How a whole tree looks now: another string when anything in it was added, removed, written or renamed since. */
export async function lookOfTree(path: string): Promise<string> {
  const look = await command('find', ['-P', path, '-printf', '%P\\0%y\\0%s\\0%T@\\0%C@\\0%i\\n']);
  return look.split('\n').sort().join('\n');
}

async function command(program: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { ...process.env, LC_ALL: 'C' },
    });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const [first = ''] = said.split('\n');
    const hint = /No space left on device|Disk quota exceeded/.test(said) && 'make room on that disk: df -h';
    const message = first || `${program} failed: ${String(error)}`;
    throw new AppError('command-failed', message, { cause: error, ...(hint && { hint }) });
  }
}
