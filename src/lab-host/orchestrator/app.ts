// cis490 orchestrator: wires the recording of workloads together, one process a data directory.

import { join } from 'node:path';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import { makeDirectory } from '../../lib/make-directory.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { abandonLeftovers } from './abandon-recordings.ts';
import type { PublishStep } from './publish-episode.ts';
import { createPlanRunner } from './run-plan.ts';
import { runWorkload } from './run-workload.ts';
import { createStartGate } from './start-gate.ts';

export interface OrchestratorOptions {
  config: Pick<LabHostConfig, 'host_id' | 'paths' | 'orchestrator'>;
  /** The root of the installed release: its `VERSION` stamps workloads that have no `code_root`. */
  installRoot: string;
  /** Record each workload once, at once, also where `enabled` is false. */
  once: boolean;
  stop: AbortSignal;
  logger: Logger;
  clock: Clock;
  /** Called after each durable step of a publication. */
  afterStep?: AfterStep<PublishStep>;
}

/**
 * Returns the exit code: 0 stopped, or all were published · 1 with `once`, one was not published · 2 there is nothing to
 * run. Throws `already-running` when another orchestrator works on the data directory, or the system's error when that
 * cannot be used.
 */
export async function runOrchestrator(options: OrchestratorOptions): Promise<number> {
  const { config, once, stop, logger, clock } = options;
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
  const lock = acquireExclusiveLock(dataDir, 'orchestrator');
  try {
    await makeDirectory(join(recordingDirectory, 'abandoned'));
    await makeDirectory(episodesDirectory);
    await fsyncDirectory(dataDir);
    await abandonLeftovers({ recordingDirectory, clock, logger });

    const kill = new AbortController();
    const context = {
      hostId: config.host_id,
      recordingDirectory,
      episodesDirectory,
      environment: process.env,
      clock,
      logger,
      kill: kill.signal,
      afterStep: options.afterStep ?? noStepObserver,
    };
    const runner = createPlanRunner({
      workloads,
      drainMaxS,
      gate: createStartGate(dataDir, options.installRoot, logger),
      run: (workload, codeVersion) => runWorkload(context, workload, codeVersion),
      stop,
      kill,
      clock,
      logger,
    });
    if (once) return (await runner.eachOnce()) ? 0 : 1;
    await runner.untilStopped();
    return 0;
  } finally {
    lock.release();
  }
}
