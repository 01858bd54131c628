// What the checks of the receiver look at, and the commands that their cures are made of.

import type { Clock } from '../../lib/clock.ts';
import type { LoadedConfig } from '../../lib/config/load-config.ts';
import type { Logger } from '../../lib/logger.ts';
import { programRunner, type RunProgram } from '../../lib/self-check/run-program.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { openStorageForReading, type StorageForReading } from '../../storage/open-storage.ts';
import { type ReceiverConfig, receiverConfigDefinition } from '../receiver-config.ts';
import { type DiskRoom, lookAtDisk } from './disk-room.ts';

export interface ReceiverDoctorOptions {
  configPath: string;
  /** The root of the installed release: its VERSION is told. */
  installRoot: string;
  /** Where systemctl and the like are looked for, by PATH. */
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  logger: Logger;
}

export interface ReceiverContext {
  config: ReceiverConfig;
  configPath: string;
  /** What is deprecated in the configuration, a line each. */
  configWarnings: readonly string[];
  storage: StorageForReading;
  cures: ReceiverCures;
  run: RunProgram;
  lookAtDisk: (path: string) => Promise<DiskRoom>;
  /** From 0 up to 1, for what is sampled. */
  random: () => number;
  clock: Clock;
  nowMs: number;
}

export interface ReceiverCures {
  editConfig: string;
  checkConfig: string;
  installer: string;
  /** Where the configuration names another than the usual file, so does the command. `args`: words of a shell already. */
  cis490(args: string): string;
}

export function createReceiverContext(
  { configPath, environment, clock, logger }: ReceiverDoctorOptions,
  { config, warnings }: LoadedConfig<ReceiverConfig>,
): ReceiverContext {
  return {
    config,
    configPath,
    configWarnings: warnings,
    storage: openStorageForReading(config.store.root, logger),
    cures: receiverCures(configPath),
    run: programRunner(environment),
    lookAtDisk,
    random: Math.random,
    clock,
    nowMs: Date.parse(clock.wallTime()),
  };
}

export function receiverCures(configPath: string): ReceiverCures {
  const file = shellWord(configPath);
  const option = configPath === receiverConfigDefinition.defaultPath ? '' : ` --config ${file}`;
  return {
    editConfig: `sudoedit ${file}`,
    installer: 'sudo /opt/cis490/scripts/install-receiver.sh',
    checkConfig: `sudo cis490 config check ${file} --role receiver`,
    cis490: (args) => `sudo cis490 ${args}${option}`,
  };
}
