// Builds the gate from its section of the configuration.

import { join } from 'node:path';
import { messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Control } from '../../storage/control.ts';
import { chooseSources, type GateConfig, windowOf } from './choose-sources.ts';
import { GATE_FILE, type GateFileContent, GateFileWriter, type LearnedFrom, readGateFile } from './gate-file.ts';
import { createJudgingGate } from './judging-gate.ts';
import { SourceChain } from './source-chain.ts';
import type { VersionGate } from './version-gate.ts';

export interface VersionGateOptions {
  config: GateConfig;
  /** Where gate.json lies. */
  storeRoot: string;
  /** The install root, if it is a git checkout: read when the forge fails and no local_repo_path is configured. */
  checkoutPath: string | undefined;
  control: Pick<Control, 'findGateOverrides' | 'listGateOverrides'>;
  clock: Clock;
  logger: Logger;
}

export function createVersionGate(options: VersionGateOptions): VersionGate {
  const { config, storeRoot, checkoutPath, control, clock, logger } = options;
  const { primary, fallback, learnedFrom } = chooseSources(config, checkoutPath, clock);
  const window = windowOf(config);
  const path = join(storeRoot, GATE_FILE);
  const chain = new SourceChain({
    primary,
    fallback,
    remembered: learnedFrom && recall(path, learnedFrom, logger),
    file: learnedFrom && new GateFileWriter({ path, ...learnedFrom, clock, logger }),
    window,
    refreshMs: config.refresh_s * 1000,
    clock,
    logger,
  });
  const policy = { window, blockedCommits: new Set(config.blocked_commits), dirty: config.dirty };
  return createJudgingGate({ chain, policy, control, clock });
}

function recall(path: string, learnedFrom: LearnedFrom, logger: Logger): GateFileContent | undefined {
  try {
    return readGateFile(path, learnedFrom);
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'version gate: what an earlier run has learned is not used');
    return undefined;
  }
}
