// A real program under strace: the order of its system calls, and failures of single calls injected into it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT, Program } from './program.ts';

const CALLS =
  'write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,ftruncate';

export interface SystemCall {
  name: string;
  /** As strace prints them, with the path of each descriptor. */
  args: string;
  result: string;
  /** Places in the trace: another call came after this one only if it started behind this one's end. */
  startedAt: number;
  endedAt: number;
}

/** `straceArgs` may inject failures. strace counts them for each thread alone: one worker thread makes the count plain. */
export function startTraced(args: string[], tracePath: string, straceArgs: string[] = []): Program {
  const launcher = join(PROJECT_ROOT, 'bin/cis490');
  const strace = ['-fyqq', '--seccomp-bpf', '-s', '80', '-o', tracePath, '-e', `trace=${CALLS}`, ...straceArgs];
  return Program.command('strace', [...strace, launcher, ...args], {
    UV_THREADPOOL_SIZE: straceArgs.some((arg) => arg.includes(':when=')) ? '1' : '24',
  });
}

/** A signal for the program itself: strace would not pass it on, and killed it would leave the program behind. */
export async function endTraced(strace: Program, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  for (const child of childrenOf(strace.child.pid)) process.kill(child, signal);
  return (await strace.ended).code;
}

function childrenOf(pid: number | undefined): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

export function readTrace(path: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, SystemCall>();
  for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*?)\)? += (.*)$/.exec(rest);
    if (resumed) {
      const call = unfinished.get(pid);
      if (!call) continue;
      call.args += resumed[2];
      call.result = resumed[3] ?? '';
      call.endedAt = at;
      continue;
    }
    const started = /^(\w+)\((.*?)(?: <unfinished \.\.\.>|\) += (.*))$/.exec(rest);
    if (!started) continue;
    const [, name = '', args = '', result] = started;
    const endedAt = result === undefined ? Number.POSITIVE_INFINITY : at;
    const call: SystemCall = { name, args, result: result ?? '', startedAt: at, endedAt };
    calls.push(call);
    if (result === undefined) unfinished.set(pid, call);
  }
  return calls;
}

/** Fails unless each step is there, and begins only after the one before it has ended. Of several that match the last counts. */
export function assertOrder(calls: readonly SystemCall[], steps: readonly [name: string, call: RegExp][]): void {
  let before: { name: string; endedAt: number } = { name: 'the start', endedAt: -1 };
  for (const [name, pattern] of steps) {
    const call = calls.findLast(({ name: callName, args }) => pattern.test(`${callName}(${args}`));
    if (!call) throw new Error(`the trace has no ${name} (${pattern})`);
    if (call.startedAt <= before.endedAt) throw new Error(`${name} began before ${before.name} had ended`);
    before = { name, endedAt: call.endedAt };
  }
}
