// A program of the system, run to its end: its output, or a failure that carries the last that it said.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { AppError, errnoOf, isMissing, messageOf } from '../lib/app-error.ts';

const LAST_LINES = 8;
const MOST_KEPT_CHARACTERS = 16_384;

export interface Command {
  program: string;
  args: readonly string[];
  directory: string;
  environment: NodeJS.ProcessEnv;
  /** What it is for, in an error: `git could not …`. */
  purpose: string;
  /** Takes its output as it comes. Without it the output is the result. */
  takeOutput?: (output: Readable) => Promise<void>;
}

/** Resolves with what it printed, trimmed. Throws `<program>-missing`, `<program>-failed`, and what `takeOutput` throws. */
export async function runCommand(command: Command): Promise<string> {
  const { program, args, directory, environment, takeOutput } = command;
  const child = spawn(program, args, { cwd: directory, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-MOST_KEPT_CHARACTERS);
  });
  const taking = takeOutput
    ? takeOutput(child.stdout)
    : child.stdout.forEach((chunk: Buffer) => {
        printed += chunk;
      });
  const [ended, taken] = await Promise.allSettled([endOf(child, command), taking]);
  if (ended.status === 'rejected') throw ended.reason;
  const [code, signal] = ended.value;
  // Whoever breaks off the output ends the program, too: the cause before its effect.
  const isBrokenOff = signal === 'SIGPIPE' || /broken pipe/i.test(complaints);
  if (taken.status === 'rejected' && (isBrokenOff || isSystemError(taken.reason))) throw taken.reason;
  if (code !== 0) throw failed(command, code === null ? `was ended by ${signal}` : `ended with ${code}`, complaints);
  if (taken.status === 'rejected') throw taken.reason;
  return printed.trim();
}

/** Of a full disk and the like, not of what the data are. */
export function isSystemError(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(errnoOf(error) ?? '');
}

async function endOf(
  child: ChildProcess,
  { program, directory }: Command,
): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
  try {
    return (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  } catch (error) {
    if (!isMissing(error))
      throw new AppError(`${program}-failed`, `${program} could not be run in ${directory}: ${messageOf(error)}`, {
        cause: error,
      });
    throw new AppError(`${program}-missing`, `there is no ${program} on this machine, or no directory ${directory}`, {
      hint:
        program === 'npm' ? 'install Node.js, which brings it along' : `install it: sudo apt-get install ${program}`,
      cause: error,
    });
  }
}

function failed({ program, purpose }: Command, how: string, complaints: string): AppError {
  const lines = complaints.trimEnd().split('\n').slice(-LAST_LINES);
  const said = lines.join('\n').trim();
  return new AppError(`${program}-failed`, `${purpose}: ${program} ${how}${said === '' ? '' : `:\n${said}`}`);
}
