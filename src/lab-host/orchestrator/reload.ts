// SIGHUP: the workloads are read again, for the next starts. A bad configuration is told, and the old one stays in force.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import type { PlanRunner } from './run-plan.ts';

type Config = Pick<LabHostConfig, 'host_id' | 'paths' | 'orchestrator'>;

// What the process was built on: it takes a restart.
const FIXED: readonly [what: string, of: (config: Config) => unknown][] = [
  ['host_id', ({ host_id }) => host_id],
  ['[paths] data_dir', ({ paths }) => paths.data_dir],
];

/** Never rejects. `started` is the configuration that the process started with. */
export async function reload(
  load: () => Promise<Config>,
  started: Config,
  runner: Pick<PlanRunner, 'reconfigure'>,
  logger: Logger,
): Promise<void> {
  try {
    const config = await load();
    const { enabled, workload, drain_max_s: drainMaxS } = config.orchestrator;
    runner.reconfigure({ workloads: enabled ? workload : [], drainMaxS });
    for (const [what, of] of FIXED) {
      if (of(started) !== of(config)) logger.warn({ what }, 'this change takes effect at the next restart');
    }
    const workloads = workload.map(({ name }) => name);
    if (enabled) logger.info({ workloads }, 'configuration read again');
    else
      logger.warn(
        { hint: 'set enabled = true in [orchestrator]' },
        'configuration read again: nothing starts any more',
      );
  } catch (error) {
    const cure = error instanceof AppError ? error.hint : undefined;
    logger.error({ reason: messageOf(error), cure }, 'the new configuration is not usable; the old one stays in force');
  }
}
