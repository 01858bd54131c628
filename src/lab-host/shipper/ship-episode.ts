// One episode, from wherever it stands, as far as it gets: pack → put → receipt → shipped/, or reason → quarantine/, or it waits.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { isEpisodeId } from '../../protocol/ids.ts';
import { classifyAnswer, type Refused, type Verdict } from './classify-answer.ts';
import { classifyNetworkError } from './classify-network-error.ts';
import type { DataLayout } from './data-layout.ts';
import { hasReason, hasReceipt, writeReason, writeReceipt } from './episode-notes.ts';
import { episodeState } from './episode-state.ts';
import { cureForHold } from './hold-cures.ts';
import { quarantineEpisode, retireEpisode } from './move-episode.ts';
import { discardPacked, type PackedEpisode, packEpisode } from './pack-episode.ts';
import type { Transport } from './put-episode.ts';
import type { ReceiverLink } from './receiver-link.ts';
import type { ShipperStep } from './shipper-step.ts';

export interface ShipDependencies {
  hostId: string;
  layout: DataLayout;
  zstdLevel: number;
  transport: Transport;
  link: ReceiverLink;
  patience: 'patient' | 'impatient';
  /** What each waiting episode has met in this process's life. */
  tallies: Map<string, Tally>;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<ShipperStep>;
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

// What happens so often to one episode is no accident of the link, nor of a recorder that finishes late.
const MAX_DAMAGED = 3;
const MAX_CHANGING = 3;

/** Never throws for what one episode can be or meet. */
export async function shipEpisode(
  dependencies: ShipDependencies,
  episodeId: string,
  stop: AbortSignal,
): Promise<ShipOutcome> {
  const { layout, logger } = dependencies;
  try {
    const state = episodeState({
      hasReceipt: await hasReceipt(layout, episodeId),
      hasReason: await hasReason(layout, episodeId),
    });
    if (state === 'receipted') {
      await retireEpisode(dependencies, episodeId);
      return 'shipped';
    }
    if (state === 'condemned') {
      await quarantineEpisode(dependencies, episodeId);
      return 'quarantined';
    }
    if (!isEpisodeId(episodeId)) {
      const refused = localRefusal('bad-episode-id', 'the directory name is no valid episode id');
      return await condemn(dependencies, episodeId, refused);
    }
    return await packAndPut(dependencies, episodeId, stop);
  } catch (error) {
    if (stop.aborted) return 'waiting';
    if (!existsSync(join(layout.episodes, episodeId))) {
      dependencies.tallies.delete(episodeId);
      return 'gone';
    }
    if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') return 'no-room';
    if (error instanceof AppError && isOwnFault(dependencies, episodeId, error)) {
      return await condemn(dependencies, episodeId, localRefusal(error.code, error.message));
    }
    logger.error({ episode: episodeId, err: error }, 'episode could not be worked on; it stays and is tried again');
    return 'waiting';
  }
}

/** A recorder that has published too early gets some tries to come to its end. */
function isOwnFault(dependencies: ShipDependencies, episodeId: string, { code }: AppError): boolean {
  if (code === 'episode-unreadable' || code === 'episode-malformed') return true;
  if (code !== 'episode-changing') return false;
  const tally = tallyOf(dependencies, episodeId);
  tally.changing += 1;
  return tally.changing >= MAX_CHANGING;
}

function tallyOf({ tallies }: ShipDependencies, episodeId: string): Tally {
  const tally = tallies.get(episodeId) ?? { attempts: 0, damaged: 0, changing: 0 };
  tallies.set(episodeId, tally);
  return tally;
}

async function packAndPut(dependencies: ShipDependencies, episodeId: string, stop: AbortSignal): Promise<ShipOutcome> {
  const { link, logger } = dependencies;
  const { kind, packed } = await packEpisode(dependencies, episodeId, stop);
  if (kind === 'packed') {
    logger.info({ episode: episodeId, bytes: packed.sizeBytes, source_bytes: packed.sourceBytes }, 'episode packed');
  }
  const admission = await link.admit(stop, dependencies.patience);
  if (!admission) return 'waiting';
  try {
    const verdict = await attempt(dependencies, packed, stop);
    if (stop.aborted && verdict.kind === 'transient') return 'waiting';
    return await settle(dependencies, packed, verdict);
  } finally {
    link.ended(admission);
  }
}

async function attempt(dependencies: ShipDependencies, packed: PackedEpisode, stop: AbortSignal): Promise<Verdict> {
  const { transport, hostId } = dependencies;
  tallyOf(dependencies, packed.episodeId).attempts += 1;
  try {
    return classifyAnswer(await transport.put(hostId, packed, stop), { hostId, ...packed });
  } catch (error) {
    return classifyNetworkError(error);
  }
}

async function settle(dependencies: ShipDependencies, packed: PackedEpisode, verdict: Verdict): Promise<ShipOutcome> {
  const { link, logger, layout, clock, tallies, afterStep } = dependencies;
  const { episodeId } = packed;
  switch (verdict.kind) {
    case 'shipped':
    case 'duplicate':
      link.succeeded();
      await writeReceipt(layout, episodeId, { ...verdict.answer, shipped_at_wall: clock.wallTime() });
      afterStep('receipt-written');
      await retireEpisode(dependencies, episodeId);
      tallies.delete(episodeId);
      logger.info(
        { episode: episodeId, outcome: verdict.kind, bytes: packed.sizeBytes, seq: verdict.answer['seq'] },
        'episode shipped',
      );
      return verdict.kind;
    case 'fatal':
      link.succeeded();
      return await condemn(dependencies, episodeId, verdict, packed.stamp.commit);
    case 'damaged':
      return await repair(dependencies, packed, verdict);
    case 'held':
      hold(dependencies, verdict);
      return 'waiting';
    case 'transient':
      link.failed(verdict.code, verdict.retryAfterS);
      logger.warn(
        { episode: episodeId, code: verdict.code, status: verdict.status || undefined, detail: verdict.detail },
        'episode not shipped yet; it is tried again later',
      );
      return 'waiting';
  }
}

/** The receiver saw other bytes than were packed: a bad tarball is packed anew, a good one sent again, and after a few tries all waits. */
async function repair(dependencies: ShipDependencies, packed: PackedEpisode, refused: Refused): Promise<ShipOutcome> {
  const { layout, link, logger } = dependencies;
  const tally = tallyOf(dependencies, packed.episodeId);
  tally.damaged += 1;
  const isIntact = (await sha256OfFile(packed.tarballPath)) === packed.sha256;
  if (!isIntact) await discardPacked(layout, packed.episodeId);
  logger.warn(
    {
      episode: packed.episodeId,
      code: refused.code,
      detail: refused.detail,
      next: isIntact ? 'send it again' : 'pack it anew',
    },
    'episode did not arrive as it was packed',
  );
  if (tally.damaged >= MAX_DAMAGED) hold(dependencies, refused);
  else link.failed(refused.code, undefined);
  return 'waiting';
}

function hold({ link, logger }: ShipDependencies, refused: Refused): void {
  if (!link.held(refused.code)) return;
  logger.error(
    {
      code: refused.code,
      status: refused.status || undefined,
      detail: refused.detail,
      cure: cureForHold(refused.code),
    },
    'shipping is held: nothing is lost, everything waits, one attempt a minute looks whether it is cured',
  );
}

async function condemn(
  dependencies: ShipDependencies,
  episodeId: string,
  refused: Refused,
  commit?: string,
): Promise<ShipOutcome> {
  const { layout, clock, logger, tallies, afterStep } = dependencies;
  try {
    await writeReason(layout, {
      episode_id: episodeId,
      quarantined_at_wall: clock.wallTime(),
      status: refused.status,
      code: refused.code,
      detail: refused.detail,
      remediation: refused.remediation ?? null,
      commit: commit ?? null,
      head_commit: refused.headCommit ?? null,
      attempts: tallies.get(episodeId)?.attempts ?? 0,
    });
    afterStep('reason-written');
    await quarantineEpisode(dependencies, episodeId);
  } catch (error) {
    logger.error(
      { episode: episodeId, code: refused.code, reason: messageOf(error) },
      'refused episode could not be moved to quarantine; it stays',
    );
    return 'waiting';
  }
  tallies.delete(episodeId);
  logger.error(
    { episode: episodeId, status: refused.status || undefined, code: refused.code, detail: refused.detail },
    'episode refused and quarantined',
  );
  for (const command of refused.remediation?.split('\n') ?? [])
    logger.error({ episode: episodeId, code: refused.code }, `remediation: ${command}`);
  return 'quarantined';
}

function localRefusal(code: string, detail: string): Refused {
  return { status: 0, code, detail, remediation: undefined, headCommit: undefined };
}

/** Undefined when it cannot be read to its end. */
async function sha256OfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}
