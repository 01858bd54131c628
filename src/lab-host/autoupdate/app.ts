// Builds an update from its configuration, runs it alone on this machine, and says what it came to.

import { accessSync, constants } from 'node:fs';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { acquireExclusiveLock } from '../../lib/exclusive-lock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RunProgram } from '../../lib/self-check/run-program.ts';
import { platformOf } from '../../protocol/release.ts';
import { updateStatePath } from '../../protocol/update-state.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { CredentialFiles } from '../transport/credentials.ts';
import { ReceiverConnections } from '../transport/receiver-connections.ts';
import { installLayout } from './install-layout.ts';
import { checkForUpdate, runUpdate } from './run-update.ts';
import type { UpdateDependencies, UpdateReport } from './update-dependencies.ts';
import { UpdateStateFile } from './update-state-file.ts';
import type { UpdateStep } from './update-step.ts';

export interface AutoupdateOptions {
  config: LabHostConfig;
  configPath: string;
  /** The root of the release that this program is of. */
  installRoot: string;
  /** Only say what would be done. */
  check: boolean;
  run: RunProgram;
  clock: Clock;
  logger: Logger;
  stop: AbortSignal;
  afterStep?: AfterStep<UpdateStep>;
}

const WELL = new Set<UpdateReport['result']>(['current', 'updated', 'left-alone', 'off', 'available']);

/** Throws `bad-input`, `not-permitted`, `already-running`; what an update meets is in the report. */
export async function runAutoupdate(options: AutoupdateOptions): Promise<{ report: UpdateReport; exitCode: 0 | 1 }> {
  const { config, installRoot, check, logger } = options;
  const layout = installLayout(installRoot);
  if (!check) requireWritable(layout.base);
  const lock = check ? undefined : acquireExclusiveLock(layout.base, 'autoupdate');
  const connections = connect(options);
  try {
    const { configPath, run, clock, stop, afterStep = noStepObserver } = options;
    const path = updateStatePath(config.paths.data_dir);
    const dependencies: UpdateDependencies = {
      config,
      configPath,
      layout,
      state: new UpdateStateFile({ path, guard: layout.guard, clock, logger }),
      platform: platformOf(process.platform, process.arch),
      connections,
      run,
      clock,
      logger,
      stop,
      afterStep,
    };
    const report = check ? await checkForUpdate(dependencies) : await runUpdate(dependencies);
    tell(report, logger);
    return { report, exitCode: WELL.has(report.result) ? 0 : 1 };
  } finally {
    connections.close();
    lock?.release();
  }
}

function connect({ config, clock, logger }: AutoupdateOptions): ReceiverConnections {
  const { receiver } = config;
  return new ReceiverConnections({
    receiverUrl: receiver.url,
    credentials: new CredentialFiles({ bearerToken: receiver.bearer_token_file, tls: receiver.tls, clock, logger }),
    connectTimeoutMs: receiver.connect_timeout_s * 1000,
    idleTimeoutMs: receiver.idle_timeout_s * 1000,
    concurrency: 1,
  });
}

function requireWritable(base: string): void {
  try {
    accessSync(base, constants.W_OK);
  } catch (error) {
    throw new AppError('not-permitted', `${base} may not be written to`, {
      hint: 'run it again with sudo',
      cause: error,
    });
  }
}

function tell({ result, commit, target, release_number, detail }: UpdateReport, logger: Logger): void {
  const level = WELL.has(result) ? 'info' : result === 'stopped' ? 'warn' : 'error';
  const fields = {
    result,
    commit: commit ?? undefined,
    target: target === commit ? undefined : (target ?? undefined),
    release_number: release_number ?? undefined,
    detail: detail ?? undefined,
  };
  logger[level](fields, 'update done');
}
