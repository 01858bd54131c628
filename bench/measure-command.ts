// A command from its start to its end: how long it took, and what the kernel counted for it meanwhile.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Usage {
  seconds: number;
  /** Its own and that of the children that it has waited for. */
  cpuSeconds: number;
  /** The most memory that the command itself ever held, without its children. */
  peakMiB: number;
}

// The marks only ever rise, so that a look costs nothing but what comes after the last one.
const LOOK_EVERY_MS = 50;
const TICKS_PER_SECOND = 100;
const TOLD_AT_FAILURE = 2000;

/** Its output goes to `log` in the directory, whose end is told when the command fails. Stopped, it is ended and this rejects. */
export async function measureCommand(
  command: string,
  args: readonly string[],
  { directory, stop }: { directory: string; stop: AbortSignal },
): Promise<Usage> {
  const logPath = join(directory, 'log');
  const log = openSync(logPath, 'a');
  let cpuSeconds = 0;
  let peakMiB = 0;
  const startedAt = process.hrtime.bigint();
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', log, log] });
  closeSync(log);
  const look = setInterval(() => {
    cpuSeconds = Math.max(cpuSeconds, cpuSecondsOf(child.pid));
    peakMiB = Math.max(peakMiB, peakMiBOf(child.pid));
  }, LOOK_EVERY_MS);
  const end = () => child.kill('SIGTERM');
  stop.addEventListener('abort', end);
  try {
    await once(child, 'close');
  } finally {
    clearInterval(look);
    stop.removeEventListener('abort', end);
  }
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
  stop.throwIfAborted();
  if (child.exitCode !== 0) {
    const told = readFileSync(logPath, 'utf8').slice(-TOLD_AT_FAILURE);
    throw new Error(`${command} ${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}:\n${told}`);
  }
  return { seconds, cpuSeconds, peakMiB };
}

/** `VmHWM`; 0 once the process is gone. */
export function peakMiBOf(pid: number | undefined): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? 0) / 1024;
}

/** `VmRSS`; 0 once the process is gone. */
export function residentMiBOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, 'status'))?.[1] ?? 0) / 1024;
}

/** utime, stime, cutime and cstime of proc_pid_stat(5), which follow the name in parentheses; 0 once the process is gone. */
export function cpuSecondsOf(pid: number | undefined): number {
  const [, fields = ''] = /^.*\) (.*)$/s.exec(readProc(pid, 'stat')) ?? [];
  const ticks = fields.split(' ').slice(11, 15).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

function readProc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
