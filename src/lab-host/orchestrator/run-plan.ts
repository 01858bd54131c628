// Keeps the workloads running to plan, and on stop lets what records come to its end before it kills it.

import { type Clock, sleepUntil } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import { planStarts } from './plan.ts';
import type { Workload } from './record-episode.ts';
import type { StartGate } from './start-gate.ts';

/** How soon a start that was refused is tried again: the cure has no event of its own. */
const RECHECK_MS = 5_000;

export interface PlanRunner {
  /** Records by the plan until `stop` aborts, then drains. Rejects when it cannot be told whether a recording may start. */
  untilStopped(): Promise<void>;
  /** Starts each workload at once, and drains when `stop` aborts. True when every one was published. */
  eachOnce(): Promise<boolean>;
}

export interface PlanRunnerOptions {
  workloads: readonly Workload[];
  drainMaxS: number;
  gate: StartGate;
  /** Records and publishes; true when published. */
  run: (workload: Workload, codeVersion: CodeVersion) => Promise<boolean>;
  stop: AbortSignal;
  /** Aborted when the drain has lasted `drainMaxS`: what still records must then be ended. */
  kill: AbortController;
  clock: Clock;
  logger: Logger;
}

interface Job {
  workload: Workload;
  lastStartMs: number | undefined;
  running: Promise<void> | undefined;
  published: boolean;
}

export function createPlanRunner(options: PlanRunnerOptions): PlanRunner {
  const { gate, run, stop, kill, clock, logger } = options;
  const jobs = options.workloads.map(
    (workload): Job => ({ workload, lastStartMs: undefined, running: undefined, published: false }),
  );
  // Ends the current sleep: a recording came to its end, or we are to stop.
  let wake = new AbortController();
  stop.addEventListener('abort', () => wake.abort(), { once: true });

  /** False when one of them was refused and has to be tried again. */
  async function start(due: readonly Job[]): Promise<boolean> {
    if (due.length === 0) return true;
    if (!(await gate.isOpen())) return false;
    let all = true;
    for (const job of due) {
      const codeVersion = await gate.codeVersionFor(job.workload);
      if (stop.aborted) return false;
      if (codeVersion) launch(job, codeVersion);
      else all = false;
    }
    return all;
  }

  function launch(job: Job, codeVersion: CodeVersion): void {
    job.lastStartMs = clock.monotonicMs();
    job.running = run(job.workload, codeVersion).then((published) => {
      job.published = published;
      job.running = undefined;
      wake.abort();
    });
  }

  async function drain(): Promise<void> {
    const running = jobs.filter((job) => job.running !== undefined);
    if (running.length === 0) return;
    const workloads = running.map((job) => job.workload.name);
    logger.info({ workloads, drain_max_s: options.drainMaxS }, 'waiting for the running recordings to end');
    const done = new AbortController();
    const ended = Promise.all(running.map((job) => job.running)).finally(() => done.abort());
    await sleepUntil(clock, clock.monotonicMs() + options.drainMaxS * 1000, done.signal);
    if (!done.signal.aborted) kill.abort();
    await ended;
  }

  return {
    async untilStopped() {
      try {
        while (!stop.aborted) {
          wake = new AbortController();
          const states = jobs.map(({ workload, lastStartMs, running }) => ({
            name: workload.name,
            intervalMs: workload.interval_s * 1000,
            lastStartMs,
            running: running !== undefined,
          }));
          const nowMs = clock.monotonicMs();
          const plan = planStarts(states, nowMs);
          const due = jobs.filter((job) => plan.start.includes(job.workload.name));
          const allStarted = await start(due);
          if (stop.aborted) break;
          const nextDueMs = plan.lookAgainAtMs ?? Number.POSITIVE_INFINITY;
          const lookAgainAtMs = allStarted ? nextDueMs : Math.min(nextDueMs, nowMs + RECHECK_MS);
          await sleepUntil(clock, lookAgainAtMs, wake.signal);
        }
      } finally {
        await drain();
      }
    },

    async eachOnce() {
      await start(jobs);
      while (!stop.aborted && jobs.some((job) => job.running !== undefined)) {
        wake = new AbortController();
        await sleepUntil(clock, Number.POSITIVE_INFINITY, wake.signal);
      }
      await drain();
      return jobs.every((job) => job.published);
    },
  };
}
