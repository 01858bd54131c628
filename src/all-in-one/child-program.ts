// One of our programs as a child process: its log lines as they come, and its end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

// Of util-linux, which every Debian has.
const SETPRIV = '/usr/bin/setpriv';

export interface ChildProgram {
  name: string;
  /** Resolves with the exit code, -1 when a signal ended it. */
  ended: Promise<number>;
  /** Asks it to stop cleanly. */
  stop(): void;
}

export function startProgram(
  installRoot: string,
  name: string,
  args: string[],
  onLine: (line: string) => void,
): ChildProgram {
  // However this process ends, SIGKILL included, its programs must not stay behind: the kernel tells them (prctl(2), PR_SET_PDEATHSIG).
  const launcher = [join(installRoot, 'bin/cis490'), name, ...args];
  const [command = '', ...rest] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', ...launcher] : launcher;
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Plain lines, whatever this process's own standard error is connected to.
    env: { ...process.env, JOURNAL_STREAM: '', NO_COLOR: '1' },
  });
  const lines = createInterface({ input: child.stderr });
  lines.on('line', onLine);
  return {
    name,
    ended: endOf(child, once(lines, 'close')),
    stop: () => void child.kill('SIGTERM'),
  };
}

async function endOf(child: ChildProcess, linesRead: Promise<unknown>): Promise<number> {
  const [code] = await once(child, 'exit');
  await linesRead;
  return typeof code === 'number' ? code : -1;
}
