// What the tests here share: a data directory, a stamped install root, a clock that can be moved on, and the log as read back.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isMissing } from '../../lib/app-error.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import type { Workload } from './record-episode.ts';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

interface MovableClock extends Clock {
  /** Moves the monotonic time on; whoever sleeps looks again within milliseconds. */
  skip(ms: number): void;
}

export interface Bench {
  root: string;
  dataDir: string;
  installRoot: string;
  clock: MovableClock;
  logger: Logger;
  /** The log so far. */
  log: () => NonNullable<ReturnType<typeof parsePlainLogLine>>[];
  /** Records with this message. */
  logged: (message: RegExp) => NonNullable<ReturnType<typeof parsePlainLogLine>>[];
}

export async function makeBench(t: TestContext): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'cis490-orchestrator-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const dataDir = join(root, 'data');
  const installRoot = join(root, 'install');
  await mkdir(join(dataDir, 'recording'), { recursive: true });
  await mkdir(join(dataDir, 'episodes'));
  await mkdir(installRoot);
  await writeFile(join(installRoot, 'VERSION'), JSON.stringify({ commit: COMMIT, dirty: false }));
  const clock = makeMovableClock();
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', form: 'plain', clock, write: (line) => lines.push(line.trimEnd()) });
  const log = () => lines.map(parsePlainLogLine).filter((record) => record !== undefined);
  const logged = (message: RegExp) => log().filter((record) => message.test(record.message));
  return { root, dataDir, installRoot, clock, logger, log, logged };
}

function makeMovableClock(): MovableClock {
  let skippedMs = 0;
  return {
    wallTime: systemClock.wallTime,
    monotonicMs: () => systemClock.monotonicMs() + skippedMs,
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
    skip: (ms) => {
      skippedMs += ms;
    },
  };
}

/** A workload that runs `script` by sh(1); `rest` overrides. */
export function shell(script: string, rest: Partial<Workload> = {}): Workload {
  return { name: 'test', command: ['sh', '-c', script], interval_s: 60, queue: false, env: {}, ...rest };
}

/** Resolves as soon as `condition` holds; throws after a minute, which only a broken program needs. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`);
    await delay(5);
  }
}

/** The trimmed content once the file is there and has some. */
export async function contentOf(path: string): Promise<string> {
  let text = '';
  await until(`${path} has content`, async () => {
    text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '';
      throw error;
    });
    return text.endsWith('\n');
  });
  return text.trim();
}

/** False for a process that ended, also while nobody has collected its exit (state Z of proc_pid_stat(5)). */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
