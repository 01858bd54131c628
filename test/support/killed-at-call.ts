// A real program that is killed before each of its system calls that make, move or remove a name, one after another, run by run, without a
// word in the program itself about where.

import { Program } from './program.ts';

// SIGKILL takes nothing that was written, so that between two of these there is nothing else to be seen by anybody.
export const CALLS_ON_NAMES = ['rename,renameat,renameat2', 'link,linkat', 'mkdir,mkdirat', 'unlink,unlinkat'];

/** Runs `command` until its nth such call, one of CALLS_ON_NAMES, which is not made: SIGKILL. False when it ended by itself, with exit code 0. */
export async function isKilledAtCall(command: readonly string[], call: string, nth: number): Promise<boolean> {
  const inject = `inject=${call}:error=EIO:signal=SIGKILL:when=${nth}`;
  const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
  // strace counts each kind of call of each thread alone: one thread does all work on files.
  const program = Program.command('strace', [...strace, ...command], { UV_THREADPOOL_SIZE: '1' });
  const { code, signal } = await program.ended;
  if (signal === 'SIGKILL') return true;
  if (code === 0) return false;
  throw new Error(`neither killed nor done, exit code ${code}: ${program.stderr}`);
}
