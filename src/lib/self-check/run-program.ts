// A program of the system, found by PATH, asked for what it knows within a limit.

import { execFile } from 'node:child_process';
import { AppError, errnoOf } from '../app-error.ts';

type ProgramAnswer =
  | { kind: 'ended'; code: number; stdout: string; stderr: string }
  /** There is no such program. */
  | { kind: 'absent' };

export type RunProgram = (command: string, args: readonly string[]) => Promise<ProgramAnswer>;

const LIMIT_MS = 10_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Throws `program-failed` when one says nothing in time or says too much. */
export function programRunner(environment: NodeJS.ProcessEnv, limitMs = LIMIT_MS): RunProgram {
  // In English, and not for a terminal.
  const env = { ...environment, LC_ALL: 'C', SYSTEMD_COLORS: '0' };
  const options = { env, timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const;
  return (command, args) =>
    new Promise((resolve, reject) => {
      execFile(command, args, options, (error, stdout, stderr) => {
        if (error === null) return resolve({ kind: 'ended', code: 0, stdout, stderr });
        if (errnoOf(error) === 'ENOENT') return resolve({ kind: 'absent' });
        if (typeof error.code === 'number') return resolve({ kind: 'ended', code: error.code, stdout, stderr });
        const why =
          error.killed && error.signal === 'SIGKILL' ? `did not end within ${limitMs / 1000} s` : error.message;
        reject(new AppError('program-failed', `${command} ${why}`, { cause: error }));
      });
    });
}
