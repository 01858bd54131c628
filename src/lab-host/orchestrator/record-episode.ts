// Runs a workload's command once, in a directory of its own, and returns only when nothing that it started in its process
// group still writes there: what is published afterwards no longer changes.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { type Clock, sleepUntil } from '../../lib/clock.ts';
import type { EpisodeMeta } from '../../protocol/episode-meta.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { endProcessGroup, isGoneWithin } from './process-group.ts';

export type Workload = LabHostConfig['orchestrator']['workload'][number];

export interface RecordRequest {
  workload: Workload;
  hostId: string;
  episodeId: string;
  /** `recording/<episode_id>`, made here; it must not exist. */
  directory: string;
  /** What the command inherits, before the workload's own `env`. */
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  /** Ends the recording early, as a timeout would; it is then `killed` and must not be published. */
  kill: AbortSignal;
}

export type Recorded = Pick<EpisodeMeta, 'started_at_wall' | 'ended_at_wall' | 'duration_s' | 'exit'>;

export type RecordOutcome =
  /** `leftBehind`: the command ended before its own children, which were then ended too. */
  | { kind: 'recorded'; recorded: Recorded; leftBehind: boolean }
  | { kind: 'killed' }
  | { kind: 'not-started'; error: AppError };

/** systemd's service protocol (sd_notify(3), sd_watchdog_enabled(3)) is between it and us: a workload must not speak for us. */
const OURS_ALONE: readonly string[] = ['NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC'];
/** Children that end with the command, a moment later, were not left behind. */
const SETTLE_MS = 250;

/** Throws the system's error when the directory or the logs cannot be made; the command has then not run. */
export async function recordEpisode(request: RecordRequest): Promise<RecordOutcome> {
  const { workload, clock, kill } = request;
  await mkdir(request.directory);
  const startedAtWall = clock.wallTime();
  const startedMs = clock.monotonicMs();
  const started = await startCommand(request);
  if (started instanceof AppError) return { kind: 'not-started', error: started };

  const { groupId, exited } = started;
  const wake = new AbortController();
  const ended = exited.then((exit) => {
    const endedMs = clock.monotonicMs();
    const endedAtWall = clock.wallTime();
    wake.abort();
    return { exit, endedMs, endedAtWall };
  });
  const onKill = () => wake.abort();
  kill.addEventListener('abort', onKill);
  if (kill.aborted) wake.abort();
  await sleepUntil(clock, startedMs + (workload.timeout_s ?? Number.POSITIVE_INFINITY) * 1000, wake.signal);
  kill.removeEventListener('abort', onKill);

  // Asked before anything is awaited: a command that ends by our own signal did not end by itself.
  const timedOut = !wake.signal.aborted;
  const endedByItself = !timedOut && started.hasExited();
  const leftBehind = endedByItself && !(await isGoneWithin(groupId, SETTLE_MS, clock));
  if (!endedByItself || leftBehind) await endProcessGroup(groupId, clock);

  const { exit, endedMs, endedAtWall } = await ended;
  if (!endedByItself && !timedOut) return { kind: 'killed' };
  const durationS = Math.round((endedMs - startedMs) * 1000) / 1_000_000;
  return {
    kind: 'recorded',
    leftBehind,
    recorded: {
      started_at_wall: startedAtWall,
      ended_at_wall: endedAtWall,
      duration_s: durationS,
      exit: { ...exit, timed_out: timedOut },
    },
  };
}

interface StartedCommand {
  groupId: number;
  exited: Promise<{ code: number | null; signal: string | null }>;
  hasExited: () => boolean;
}

async function startCommand(request: RecordRequest): Promise<StartedCommand | AppError> {
  const { directory, workload } = request;
  const [program, ...args] = workload.command;
  if (program === undefined) return cannotStart(workload, 'the command is empty');
  // Files, not pipes: the output survives us, and a child that keeps it open cannot hold the recording up.
  const stdout = await open(join(directory, 'stdout.log'), 'wx');
  const stderr = await open(join(directory, 'stderr.log'), 'wx');
  try {
    const child = spawn(program, args, {
      cwd: directory,
      env: environmentFor(request),
      // setsid(2): the command leads a process group of its own, so that a signal reaches all of its children.
      detached: true,
      stdio: ['ignore', stdout.fd, stderr.fd],
    });
    return await watch(child);
  } catch (error) {
    return cannotStart(workload, messageOf(error), error);
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

/** Rejects with the system's error when the command cannot be started. */
function watch(child: ChildProcess): Promise<StartedCommand> {
  let hasExited = false;
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      hasExited = true;
      resolve({ code, signal });
    });
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new Error('the child has no process id'));
      else resolve({ groupId: child.pid, exited, hasExited: () => hasExited });
    });
  });
}

function environmentFor({ workload, directory, episodeId, hostId, environment }: RecordRequest): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(Object.entries(environment).filter(([name]) => !OURS_ALONE.includes(name)));
  return {
    ...inherited,
    ...workload.env,
    CIS490_EPISODE_DIR: directory,
    CIS490_EPISODE_ID: episodeId,
    CIS490_HOST_ID: hostId,
  };
}

function cannotStart({ name, command }: Workload, problem: string, cause?: unknown): AppError {
  const program = command[0] ?? '';
  const cure =
    errnoOf(cause) === 'EACCES'
      ? `make it executable: chmod +x ${program}`
      : `check that it is installed (command -v ${program})`;
  return new AppError('workload-not-started', `the command of workload ${name} cannot be started: ${problem}`, {
    hint: `${cure}, or correct "command" of [[orchestrator.workload]] ${name}`,
    cause,
  });
}
