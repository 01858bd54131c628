// What the steps of an update are given, and what a run comes to.

import type { z } from 'zod';
import type { AfterStep } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RunProgram } from '../../lib/self-check/run-program.ts';
import type { Platform, releaseHeadSchema } from '../../protocol/release.ts';
import type { LabHostConfig } from '../lab-host-config.ts';
import type { ReceiverConnections } from '../transport/receiver-connections.ts';
import type { InstallLayout } from './install-layout.ts';
import type { UpdateStateFile } from './update-state-file.ts';
import type { UpdateStep } from './update-step.ts';

export interface UpdateDependencies {
  config: LabHostConfig;
  /** As the programs of this host are given it. */
  configPath: string;
  layout: InstallLayout;
  state: UpdateStateFile;
  /** Undefined on a machine for which there are no bundles. */
  platform: Platform | undefined;
  connections: Pick<ReceiverConnections, 'ask' | 'open'>;
  /** Of the system, and of releases. */
  run: RunProgram;
  clock: Clock;
  logger: Logger;
  stop: AbortSignal;
  afterStep: AfterStep<UpdateStep>;
}

/** Of the receiver's answer. */
export type BundleHead = z.output<typeof releaseHeadSchema>;

/** A release that may be installed. */
export interface Candidate {
  commit: string;
  /** Null for one from git. */
  releaseNumber: number | null;
  /** What of it may lie half-done on the disk is known by these in its name. */
  leftovers: readonly string[];
  /** Puts it whole and durable below its name. */
  place(): Promise<void>;
}

/** What asking came to. */
export type Found =
  | { kind: 'nothing'; detail: string }
  | { kind: 'current'; releaseNumber: number | null }
  /** There is one, and it is not for this host now. `isBad`: because it failed here before. */
  | { kind: 'left-alone'; commit: string; detail: string; isBad: boolean }
  | { kind: 'candidate'; candidate: Candidate };

export interface UpdateReport {
  result: 'current' | 'updated' | 'failed' | 'rolled-back' | 'left-alone' | 'off' | 'available' | 'stopped';
  /** What is in force now. */
  commit: string | null;
  /** What it was, or would be, updated to. */
  target: string | null;
  release_number: number | null;
  detail: string | null;
}
