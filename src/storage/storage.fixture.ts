// What the tests here share: a directory, a small filesystem that can be filled, the log as it was written, other processes.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { errnoOf, messageOf } from '../lib/app-error.ts';
import type { Logger } from '../lib/logger.ts';
import type { SequencedRow, SequencedTombstone } from '../protocol/ledger-row.ts';
import type { NewLedgerRow, NewTombstone } from './ledger.ts';

export function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cis490-storage-'));
  t.after(() => {
    for (const mounted of mountsUnder(path)) execFileSync('/bin/umount', ['--lazy', mounted]);
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function mountsUnder(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${directory}/`));
}

/** Mounts something at a path inside of a `temporaryDirectory`, which unmounts it; skips the test and returns false where that is not permitted. */
export function mountOrSkip(t: TestContext, path: string, options: string[]): boolean {
  try {
    execFileSync('/bin/mount', [...options, path], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    t.skip(`mounting is not permitted here; run as root: sudo npm test (${messageOf(error)})`);
    return false;
  }
  return true;
}

/** `options` as mount(8) has them for tmpfs, as `size=1m`. */
export function mountTmpfsOrSkip(t: TestContext, path: string, options: string): boolean {
  return mountOrSkip(t, path, ['-t', 'tmpfs', '-o', options, 'tmpfs']);
}

/** Takes all the room of the filesystem that `directory` is on; `release` gives it back. */
export async function fillDisk(directory: string): Promise<{ release(): Promise<void> }> {
  const path = join(directory, 'filler');
  const handle = await open(path, 'w');
  try {
    for (let sizeBytes = 1024 * 1024; sizeBytes >= 1; ) {
      try {
        await handle.write(Buffer.alloc(sizeBytes));
      } catch (error) {
        if (errnoOf(error) !== 'ENOSPC') throw error;
        sizeBytes = Math.floor(sizeBytes / 2);
      }
    }
  } finally {
    await handle.close();
  }
  return { release: () => rm(path) };
}

export interface RecordingLogger {
  logger: Logger;
  /** The records so far, with their fields. */
  records: Record<string, unknown>[];
}

export function recordingLogger(): RecordingLogger {
  const records: Record<string, unknown>[] = [];
  return { logger: pino({ base: null }, { write: (line) => records.push(JSON.parse(line)) }), records };
}

export const SILENT: Logger = pino({ level: 'silent' });

/** A module as a process of its own. It prints lines and is told to go on by its standard input. */
export class OtherProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(t: TestContext, source: string) {
    this.#child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: import.meta.dirname,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (!this.#child.stdout) throw new Error('the process has no standard output');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    t.after(() => this.#child.kill('SIGKILL'));
  }

  async nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process ended without a further line');
    return value;
  }

  goOn(): void {
    this.#child.stdin?.write('\n');
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export function rowOf(episodeId: string, fields: Partial<NewLedgerRow> = {}): NewLedgerRow {
  return {
    host_id: 'h1',
    episode_id: episodeId,
    received_at_wall: '2026-05-01T06:37:53.830599+00:00',
    sha256: 'a'.repeat(64),
    bytes: 12,
    path: `episodes/h1/${episodeId}.tar.zst`,
    ...fields,
  };
}

/** A line of index.jsonl, with its newline. */
export function lineOf(episodeId: string, fields: Partial<SequencedRow> & Record<string, unknown> = {}): string {
  return `${JSON.stringify({ ...rowOf(episodeId), ...fields })}\n`;
}

export function tombstoneOf(episodeId: string, fields: Partial<NewTombstone> = {}): NewTombstone {
  return {
    host_id: 'h1',
    episode_id: episodeId,
    retracted_at_wall: '2026-05-02T00:00:00.000000+00:00',
    reason: 'recorded with the lens cap on',
    by: 'ada',
    ...fields,
  };
}

export function tombstoneLineOf(episodeId: string, fields: Partial<SequencedTombstone> = {}): string {
  return `${JSON.stringify({ ...tombstoneOf(episodeId), ...fields })}\n`;
}

export function filesLike(directory: string, pattern: RegExp): string[] {
  return readdirSync(directory).filter((name) => pattern.test(name));
}
