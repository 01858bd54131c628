// cis490 orchestrator: wires the recording of workloads together, one process a data directory.

import { join } from 'node:path';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import type { Notifier } from '../../lib/sd-notify.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { abandonLeftovers } from './abandon-recordings.ts';
import { endOrphans } from './end-orphans.ts';
import { JobQueue } from './job-queue.ts';
import type { JobStep } from './job-step.ts';
import type { PublishStep } from './publish-episode.ts';
import { recoverJobs } from './recover-jobs.ts';
import { reload } from './reload.ts';
import { runJob } from './run-job.ts';
import { createPlanRunner } from './run-plan.ts';
import { runWorkload } from './run-workload.ts';
import { createStartGate } from './start-gate.ts';
import { tellAbandoned } from './tell-abandoned.ts';

type OrchestratorConfig = Pick<LabHostConfig, 'host_id' | 'paths' | 'orchestrator'>;

export interface OrchestratorOptions {
  config: OrchestratorConfig;
  /** The root of the installed release: its `VERSION` stamps workloads that have no `code_root`. */
  installRoot: string;
  /** Record each workload once, at once, also where `enabled` is false. */
  once: boolean;
  stop: AbortSignal;
  /** SIGHUP: `load` reads the configuration again; it throws where that is not sound. */
  reloads: { load: () => Promise<OrchestratorConfig>; subscribe: (listener: () => void) => void };
  notifier: Pick<Notifier, 'ready' | 'status' | 'stopping'>;
  logger: Logger;
  clock: Clock;
  /** Called after each durable step of a job and of a publication. */
  afterStep?: AfterStep<PublishStep | JobStep>;
}

/**
 * Returns the exit code: 0 stopped, or all were published · 1 with `once`, one was not published · 2 there is nothing to
 * run. Throws `already-running` when another orchestrator works on the data directory, or the system's error when that
 * cannot be used.
 */
export async function runOrchestrator(options: OrchestratorOptions): Promise<number> {
  const { config, once, stop, reloads, notifier, logger, clock } = options;
  const { enabled, workload: workloads, drain_max_s: drainMaxS } = config.orchestrator;
  if (workloads.length === 0) {
    logger.error({ hint: 'add an [[orchestrator.workload]] to lab-host.toml' }, 'no workload is configured');
    return 2;
  }
  if (!enabled && !once) {
    logger.error({ hint: 'set enabled = true in [orchestrator] of lab-host.toml' }, 'the orchestrator is not enabled');
    return 2;
  }

  const dataDir = config.paths.data_dir;
  const recordingDirectory = join(dataDir, 'recording');
  const episodesDirectory = join(dataDir, 'episodes');
  await makeDirectory(dataDir);
  let told: Promise<void> | undefined;
  const lock = acquireExclusiveLock(dataDir, 'orchestrator');
  try {
    await makeDirectory(join(recordingDirectory, 'abandoned'));
    await makeDirectory(episodesDirectory);
    await fsyncDirectory(dataDir);
    await endOrphans({ recordingDirectory, clock, logger });
    await abandonLeftovers({ recordingDirectory, clock, logger });
    told = tellAbandoned(recordingDirectory, stop, logger);
    const afterStep = options.afterStep ?? noStepObserver;
    const queueDirectory = join(dataDir, 'queue');
    const queue = new JobQueue({ directory: queueDirectory, hostId: config.host_id, clock, logger, afterStep });
    await queue.makeDirectories();
    await recoverJobs(queue);

    const kill = new AbortController();
    const context = {
      hostId: config.host_id,
      recordingDirectory,
      episodesDirectory,
      environment: process.env,
      clock,
      logger,
      kill: kill.signal,
      afterStep,
    };
    const runner = createPlanRunner({
      workloads,
      drainMaxS,
      gate: createStartGate(dataDir, options.installRoot, logger),
      queue,
      run: async (workload, codeVersion, job) =>
        job
          ? await runJob(context, queue, workload, codeVersion, job)
          : (await runWorkload(context, workload, codeVersion)).kind === 'published',
      onRunning: (names) => notifier.status(names.length > 0 ? `recording ${names.join(', ')}` : 'nothing records now'),
      stop,
      kill,
      clock,
      logger,
    });
    reloads.subscribe(() => reload(reloads.load, config, runner, logger));
    stop.addEventListener('abort', () => notifier.stopping(), { once: true });
    notifier.ready();
    notifier.status('nothing records now');
    if (once) return (await runner.eachOnce()) ? 0 : 1;
    await runner.untilStopped();
    return 0;
  } finally {
    await told;
    lock.release();
  }
}
