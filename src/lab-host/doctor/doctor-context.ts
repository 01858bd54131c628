// What the checks look at. What several of them need is asked for once.

import type { Clock } from '../../lib/clock.ts';
import type { LoadedConfig } from '../../lib/config/load-config.ts';
import type { Logger } from '../../lib/logger.ts';
import { LIBRARY_DIRECTORIES } from '../../lib/self-check/libraries.ts';
import { programRunner, type RunProgram } from '../../lib/self-check/run-program.ts';
import { findServiceUser, type ServiceUser } from '../../lib/self-check/service-user.ts';
import { type DataLayout, dataLayout } from '../data-layout.ts';
import { readInstalledVersion } from '../installed-version.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import { type Cures, createCures } from './cures.ts';
import { ReceiverLook } from './receiver-look.ts';

export interface DoctorOptions {
  configPath: string;
  /** The root of the installed release: its VERSION is looked at. */
  installRoot: string;
  /** Read in place of the journal. */
  journalFile?: string | undefined;
  /** Where systemctl, journalctl and the like are looked for, by PATH. */
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  logger: Logger;
}

export interface DoctorContext {
  config: LabHostConfig;
  configPath: string;
  /** What is deprecated in the configuration, a line each. */
  configWarnings: readonly string[];
  layout: DataLayout;
  installRoot: string;
  journalFile: string | undefined;
  receiver: ReceiverLook;
  user: ServiceUser;
  cures: Cures;
  run: RunProgram;
  clock: Clock;
  system: SystemPlaces;
}

/** Where the system keeps what is looked at. */
interface SystemPlaces {
  mountInfo: string;
  libraryDirectories: readonly string[];
}

const SYSTEM_PLACES: SystemPlaces = {
  mountInfo: '/proc/self/mountinfo',
  libraryDirectories: LIBRARY_DIRECTORIES,
};

export async function createDoctorContext(
  options: DoctorOptions,
  { config, warnings }: LoadedConfig<LabHostConfig>,
): Promise<DoctorContext> {
  const { configPath, installRoot, journalFile, environment, clock, logger } = options;
  const run = programRunner(environment);
  const user = await findServiceUser('cis490-shipper.service', config.paths.data_dir, run);
  const ofHost = {
    user: user.name,
    updatesItself: config.autoupdate.enabled,
    records: config.orchestrator.enabled,
  };
  return {
    config,
    configPath,
    configWarnings: warnings,
    layout: dataLayout(config.paths.data_dir),
    installRoot,
    journalFile,
    receiver: new ReceiverLook({ config, codeVersion: await readInstalledVersion(installRoot), clock, logger }),
    user,
    cures: createCures({ configPath, installRoot, environment, ...ofHost }),
    run,
    clock,
    system: SYSTEM_PLACES,
  };
}
