// The receiver's journal of the recent window: from journalctl, or from a file, all of whose lines count.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { type JournalFact, parseJournalLine } from './parse-line.ts';
import { splitLines } from './split-lines.ts';

const JOURNALCTL = 'journalctl';
const LIMIT_MS = 30_000;
const LONGEST_COMPLAINT_BYTES = 4_096;
// journalctl leaves out what it may not read or does not find, and exits 0.
const MAY_NOT_READ = /insufficient permissions|not seeing messages|no journal files were/i;

export type JournalSource =
  | { kind: 'file'; path: string }
  | {
      kind: 'unit';
      unit: string;
      /** Seconds since 1970. */
      sinceS: number;
      /** For a replay: without it, up to now. */
      untilS?: number;
      limitMs?: number;
    };

/** Throws `cannot-read`, also in the midst of it. */
export async function* readJournal(source: JournalSource): AsyncGenerator<JournalFact> {
  const pieces = source.kind === 'file' ? readFilePieces(source.path) : runJournalctl(source);
  for await (const line of splitLines(pieces)) {
    const fact = parseJournalLine(line);
    if (fact) yield fact;
  }
}

async function* readFilePieces(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const piece of createReadStream(path)) yield piece;
  } catch (error) {
    throw new AppError('cannot-read', `the journal ${path} cannot be read: ${messageOf(error)}`, {
      hint: `ls -l ${path}`,
      cause: error,
    });
  }
}

async function* runJournalctl(source: JournalSource & { kind: 'unit' }): AsyncGenerator<Buffer> {
  const { unit, sinceS, untilS, limitMs = LIMIT_MS } = source;
  const until = untilS === undefined ? [] : ['--until', `@${untilS}`];
  const journalctl = spawn(JOURNALCTL, ['-u', unit, '--since', `@${sinceS}`, ...until, '--output=cat'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const ended = once(journalctl, 'close');
  // Awaited at the end; a program that is not there must not be an unhandled rejection meanwhile.
  ended.catch(() => undefined);
  let complaint = '';
  journalctl.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, LONGEST_COMPLAINT_BYTES);
  });
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    journalctl.kill('SIGKILL');
  }, limitMs);
  try {
    for await (const piece of journalctl.stdout) yield piece;
    const [code] = await ended;
    if (isLate) throw new Error(`journalctl took longer than ${limitMs / 1000} s`);
    if (code !== 0 || MAY_NOT_READ.test(complaint)) {
      throw new Error(complaint.trim().split('\n')[0] || `journalctl ended with ${code ?? 'a signal'}`);
    }
  } catch (error) {
    throw new AppError('cannot-read', `the journal of ${unit} cannot be read: ${messageOf(error)}`, {
      hint: 'sudo usermod -a -G systemd-journal cis490, or name a file with --journal-file',
      cause: error,
    });
  } finally {
    clearTimeout(limit);
    journalctl.kill('SIGKILL');
  }
}
