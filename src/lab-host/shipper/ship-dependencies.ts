// What shipping one episode needs, and what it comes to.

import type { AfterStep } from '../../lib/after-step.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DataLayout } from '../data-layout.ts';
import type { Verdict } from '../transport/classify-answer.ts';
import type { GateMemory } from './gate-memory.ts';
import type { HeldBack } from './held-back.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { Transport } from './put-episode.ts';
import type { ReceiverLink } from './receiver-link.ts';
import type { RefusalBrake } from './refusal-brake.ts';
import type { ReleaseTrial } from './release-trial.ts';
import type { ShipperStep } from './shipper-step.ts';
import type { Uptime } from './uptime.ts';

export interface ShipDependencies {
  hostId: string;
  layout: DataLayout;
  zstdLevel: number;
  transport: Transport;
  link: ReceiverLink;
  patience: 'patient' | 'impatient';
  /** What each waiting episode has met in this process's life. */
  tallies: Map<string, Tally>;
  gateMemory: GateMemory;
  brake: RefusalBrake;
  heldBack: HeldBack;
  trial: ReleaseTrial;
  uptime: Uptime;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<ShipperStep>;
  /** Each answer, or that none came, as soon as its meaning is known. */
  onVerdict: (episodeId: string, verdict: Verdict) => void;
  /** A tarball that was made, and not found. */
  onPacked?: (packed: PackedEpisode, tookMs: number) => void;
  /** Called with each piece of work that takes its time. */
  onWork: () => void;
}

interface Tally {
  attempts: number;
  /** How often it arrived otherwise than it was packed. */
  damaged: number;
  /** How often it changed while it was packed. */
  changing: number;
}

/** `gone`: somebody else moved it away meanwhile. `no-room`: the disk is full; it waits. */
export type ShipOutcome = 'shipped' | 'duplicate' | 'quarantined' | 'waiting' | 'gone' | 'no-room';

export function tallyOf({ tallies }: ShipDependencies, episodeId: string): Tally {
  const tally = tallies.get(episodeId) ?? { attempts: 0, damaged: 0, changing: 0 };
  tallies.set(episodeId, tally);
  return tally;
}
