// Keeps the plan: starts what is due, waits, and at a stop lets what records come to its end before it kills it.

import { messageOf } from '../../lib/app-error.ts';
import { type Clock, sleepUntil } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import type { ClaimedJob, JobQueue } from './job-queue.ts';
import { planStarts } from './plan.ts';
import type { Workload } from './record-episode.ts';
import type { StartGate } from './start-gate.ts';

/** How soon a start that was refused is tried again: the cure has no event of its own. */
const RECHECK_MS = 5_000;
/** How soon a job that was put into the queue is seen. */
const QUEUE_LOOK_MS = 1_000;

export interface PlanRunner {
  /** Records by the plan until `stop` aborts, then drains. Rejects when it cannot be told whether a recording may start. */
  untilStopped(): Promise<void>;
  /** Starts each workload at once and runs what waits in the queue; drains when `stop` aborts. True when all were published. */
  eachOnce(): Promise<boolean>;
  /** For the next starts. What records now is not touched. */
  reconfigure(schedule: Schedule): void;
}

interface Schedule {
  workloads: readonly Workload[];
  drainMaxS: number;
}

export interface PlanRunnerOptions extends Schedule {
  gate: StartGate;
  queue: JobQueue;
  /** Records and publishes, and files the job; true when published. Never rejects. */
  run: (workload: Workload, codeVersion: CodeVersion, job: ClaimedJob | undefined) => Promise<boolean>;
  /** The names of the workloads that record now, after each change. */
  onRunning: (workloads: string[]) => void;
  stop: AbortSignal;
  /** Aborted when the drain has lasted `drainMaxS`: what still records must then be ended. */
  kill: AbortController;
  clock: Clock;
  logger: Logger;
}

interface Entry {
  workload: Workload;
  lastStartMs: number | undefined;
  running: Promise<void> | undefined;
  published: boolean;
}

type Started = 'started' | 'nothing-due' | 'refused';

export function createPlanRunner(options: PlanRunnerOptions): PlanRunner {
  const { gate, queue, run, stop, kill, clock, logger } = options;
  let { drainMaxS } = options;
  let entries = options.workloads.map(entryOf);
  /** Also those that are no longer configured. */
  const running = new Set<Entry>();
  // Ends the current sleep: a recording came to its end, the configuration is another, or we are to stop.
  let wake = new AbortController();
  let queueTrouble: string | undefined;
  let jobFailed = false;
  stop.addEventListener('abort', () => wake.abort(), { once: true });

  async function startDue(due: readonly Entry[]): Promise<Started> {
    if (due.length === 0) return 'nothing-due';
    if (!(await gate.isOpen())) return 'refused';
    let answer: Started = 'started';
    for (const entry of due) {
      const codeVersion = await gate.codeVersionFor(entry.workload);
      if (stop.aborted) return 'refused';
      if (codeVersion) launch(entry, codeVersion, undefined);
      else answer = 'refused';
    }
    return answer;
  }

  /** One job of a workload at a time. A queue that cannot be read is told once and looked at again: it may lie on a network. */
  async function startJobs(): Promise<Started> {
    try {
      const names = entries.filter(({ workload }) => workload.queue).map(({ workload }) => workload.name);
      const idle = entries.filter((entry) => entry.workload.queue && !entry.running);
      // Without any, too, it is looked at: whoever put a job there is told why it waits.
      if (names.length > 0 && idle.length === 0) return 'nothing-due';
      const waiting = await queue.look(new Set(names));
      let answer: Started = 'nothing-due';
      for (const entry of idle) {
        const own = waiting.filter(({ job }) => job.workload === entry.workload.name);
        if (own.length === 0) continue;
        if (!(await gate.isOpen())) return 'refused';
        const codeVersion = await gate.codeVersionFor(entry.workload);
        if (!codeVersion) answer = 'refused';
        for (const job of codeVersion ? own : []) {
          if (stop.aborted) return 'refused';
          const claimed = await queue.claim(job);
          if (!claimed || !codeVersion) continue;
          launch(entry, codeVersion, claimed);
          break;
        }
      }
      queueTrouble = undefined;
      return answer;
    } catch (err) {
      if (queueTrouble !== messageOf(err)) {
        const hint = `look at it: ls -la ${queue.options.directory}`;
        logger.error({ err, hint }, 'the queue cannot be worked on; it is tried again');
      }
      queueTrouble = messageOf(err);
      return 'refused';
    }
  }

  function launch(entry: Entry, codeVersion: CodeVersion, job: ClaimedJob | undefined): void {
    entry.lastStartMs = clock.monotonicMs();
    running.add(entry);
    entry.running = run(entry.workload, codeVersion, job).then((published) => {
      entry.published = published;
      if (job && !published) jobFailed = true;
      entry.running = undefined;
      running.delete(entry);
      tell();
      wake.abort();
    });
    tell();
  }

  function tell(): void {
    options.onRunning([...running].map(({ workload }) => workload.name));
  }

  async function drain(): Promise<void> {
    if (running.size === 0) return;
    const workloads = [...running].map(({ workload }) => workload.name);
    logger.info({ workloads, drain_max_s: drainMaxS }, 'waiting for the running recordings to end');
    const done = new AbortController();
    const ended = Promise.all([...running].map((entry) => entry.running)).finally(() => done.abort());
    await sleepUntil(clock, clock.monotonicMs() + drainMaxS * 1000, done.signal);
    if (!done.signal.aborted) kill.abort();
    await ended;
  }

  function planNow(nowMs: number) {
    const timed = entries.flatMap((entry) => {
      const { interval_s: intervalS, name } = entry.workload;
      if (intervalS === undefined) return [];
      const isRunning = entry.running !== undefined;
      return [{ name, intervalMs: intervalS * 1000, lastStartMs: entry.lastStartMs, running: isRunning }];
    });
    return planStarts(timed, nowMs);
  }

  return {
    async untilStopped() {
      try {
        while (!stop.aborted) {
          wake = new AbortController();
          const nowMs = clock.monotonicMs();
          const plan = planNow(nowMs);
          const started = await startDue(entries.filter(({ workload }) => plan.start.includes(workload.name)));
          if (stop.aborted) break;
          const jobs = await startJobs();
          if (stop.aborted) break;
          const isQueueWatched = entries.some((entry) => entry.workload.queue && !entry.running);
          const lookAgainAtMs = Math.min(
            plan.lookAgainAtMs ?? Number.POSITIVE_INFINITY,
            started === 'refused' || jobs === 'refused' ? nowMs + RECHECK_MS : Number.POSITIVE_INFINITY,
            isQueueWatched && jobs !== 'refused' ? nowMs + QUEUE_LOOK_MS : Number.POSITIVE_INFINITY,
          );
          await sleepUntil(clock, lookAgainAtMs, wake.signal);
        }
      } finally {
        await drain();
      }
    },

    async eachOnce() {
      const timed = entries.filter(({ workload }) => workload.interval_s !== undefined);
      await startDue(timed);
      let jobs: Started = 'nothing-due';
      while (!stop.aborted) {
        wake = new AbortController();
        // A job that was not published is not tried again for ever: the rest of the queue waits for the next time.
        if (!jobFailed) jobs = await startJobs();
        if (running.size === 0) break;
        await sleepUntil(clock, Number.POSITIVE_INFINITY, wake.signal);
      }
      await drain();
      return timed.every((entry) => entry.published) && !jobFailed && jobs !== 'refused';
    },

    reconfigure(schedule) {
      drainMaxS = schedule.drainMaxS;
      const before = new Map([...running, ...entries].map((entry) => [entry.workload.name, entry]));
      entries = schedule.workloads.map((workload) => {
        const entry = before.get(workload.name) ?? entryOf(workload);
        entry.workload = workload;
        return entry;
      });
      wake.abort();
    },
  };
}

function entryOf(workload: Workload): Entry {
  return { workload, lastStartMs: undefined, running: undefined, published: false };
}
