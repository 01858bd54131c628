// One episode, from wherever it stands, as far as it gets: pack → put → receipt → shipped/, or reason → quarantine/, or it waits.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { isEpisodeId } from '../../protocol/ids.ts';
import type { DataLayout } from '../data-layout.ts';
import { classifyAnswer, type Refused, type Verdict } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { hasReason, hasReceipt, writeReason, writeReceipt } from './episode-notes.ts';
import { episodeState } from './episode-state.ts';
import { after, type EpisodeEvent, EVENT_OF_VERDICT } from './episode-transitions.ts';
import { isGateCode } from './gate-codes.ts';
import type { GateMemory } from './gate-memory.ts';
import { quarantineEpisode, retireEpisode } from './move-episode.ts';
import { discardPacked, type PackedEpisode, packEpisode, readStamp } from './pack-episode.ts';
import type { Transport } from './put-episode.ts';
import type { ReceiverLink } from './receiver-link.ts';
import type { RefusalBrake } from './refusal-brake.ts';
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
  uptime: Uptime;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<ShipperStep>;
  /** Each answer, or that none came, as soon as its meaning is known. */
  onVerdict: (episodeId: string, verdict: Verdict) => void;
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
  const { link, logger, layout, gateMemory } = dependencies;
  const stamp = await readStamp(layout, episodeId);
  const refusal = await gateMemory.refusalOf(stamp, stop);
  if (refusal) return await condemn(dependencies, episodeId, refusal, stamp.commit);
  const { kind, packed } = await packEpisode(dependencies, episodeId, stop);
  if (kind === 'packed') {
    logger.info({ episode: episodeId, bytes: packed.sizeBytes, source_bytes: packed.sourceBytes }, 'episode packed');
  }
  const admission = await link.admit(stop, dependencies.patience);
  if (!admission) return 'waiting';
  try {
    // A command may have drained it while its turn was awaited.
    if (!existsSync(join(layout.episodes, episodeId))) return 'gone';
    const verdict = await attempt(dependencies, packed, stop);
    if (stop.aborted && verdict.kind === 'transient') return 'waiting';
    return await settle(dependencies, packed, verdict);
  } finally {
    link.ended(admission);
  }
}

async function attempt(dependencies: ShipDependencies, packed: PackedEpisode, stop: AbortSignal): Promise<Verdict> {
  const { transport, hostId, onVerdict } = dependencies;
  tallyOf(dependencies, packed.episodeId).attempts += 1;
  const verdict = await transport
    .put(hostId, packed, stop)
    .then((answer) => classifyAnswer(answer, { hostId, ...packed }))
    .catch(classifyNetworkError);
  onVerdict(packed.episodeId, verdict);
  return verdict;
}

async function settle(dependencies: ShipDependencies, packed: PackedEpisode, verdict: Verdict): Promise<ShipOutcome> {
  const event = await eventOf(dependencies, packed, verdict);
  tellLink(dependencies, packed, verdict, event);
  const next = after('packed', event);
  if (next === 'receipted' && (verdict.kind === 'shipped' || verdict.kind === 'duplicate')) {
    return await accept(dependencies, packed, verdict);
  }
  if (next === 'condemned' && verdict.kind === 'fatal') {
    if (isGateCode(verdict.code)) dependencies.gateMemory.refused(packed.stamp);
    return await condemn(dependencies, packed.episodeId, verdict, packed.stamp.commit);
  }
  if (next === 'published') await discardPacked(dependencies.layout, packed.episodeId);
  return 'waiting';
}

async function eventOf(
  { brake, onWork }: ShipDependencies,
  { episodeId, tarballPath, sha256 }: PackedEpisode,
  verdict: Verdict,
): Promise<EpisodeEvent> {
  if (verdict.kind === 'fatal' && brake.isTooMany(verdict.code, episodeId)) return 'braked';
  if (verdict.kind !== 'damaged') return EVENT_OF_VERDICT[verdict.kind];
  return (await sha256OfFile(tarballPath, onWork)) === sha256 ? 'damaged-on-the-way' : 'damaged-here';
}

/** What the answer says of the receiver, for all episodes that wait. */
function tellLink(
  dependencies: ShipDependencies,
  { episodeId }: PackedEpisode,
  verdict: Verdict,
  event: EpisodeEvent,
): void {
  const { link, logger, brake } = dependencies;
  switch (verdict.kind) {
    case 'shipped':
    case 'duplicate':
      brake.release();
      link.succeeded();
      return;
    case 'fatal':
      if (event === 'braked') {
        const detail = `one episode after another is refused with ${verdict.code}: ${verdict.detail}`;
        hold(dependencies, { ...verdict, code: 'mass-refusal', detail });
        return;
      }
      // Another refusal does not end a hold that is there because of refusals: an episode that is taken does.
      if (link.trouble?.code !== 'mass-refusal') link.succeeded();
      return;
    case 'damaged': {
      const tally = tallyOf(dependencies, episodeId);
      tally.damaged += 1;
      logger.warn(
        {
          episode: episodeId,
          code: verdict.code,
          detail: verdict.detail,
          next: event === 'damaged-on-the-way' ? 'send it again' : 'pack it anew',
        },
        'episode did not arrive as it was packed',
      );
      // After a few tries no accident any more: all waits.
      if (tally.damaged >= MAX_DAMAGED) hold(dependencies, verdict);
      else link.failed(verdict.code, undefined);
      return;
    }
    case 'held':
      hold(dependencies, verdict);
      return;
    case 'transient':
      link.failed(verdict.code, verdict.retryAfterS);
      logger.warn(
        { episode: episodeId, code: verdict.code, status: verdict.status || undefined, detail: verdict.detail },
        'episode not shipped yet; it is tried again later',
      );
  }
}

async function accept(
  dependencies: ShipDependencies,
  { episodeId, sizeBytes }: PackedEpisode,
  { kind, answer }: Extract<Verdict, { kind: 'shipped' | 'duplicate' }>,
): Promise<ShipOutcome> {
  const { layout, clock, uptime, tallies, logger, afterStep } = dependencies;
  const settled = { shipped_at_wall: clock.wallTime(), shipper_uptime_s: uptime.nowS() };
  await writeReceipt(layout, episodeId, { ...answer, ...settled });
  afterStep('receipt-written');
  await retireEpisode(dependencies, episodeId);
  tallies.delete(episodeId);
  logger.info({ episode: episodeId, outcome: kind, bytes: sizeBytes, seq: answer['seq'] }, 'episode shipped');
  return kind;
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
  const { layout, clock, logger, tallies, uptime, afterStep } = dependencies;
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
      shipper_uptime_s: uptime.nowS(),
    });
    afterStep('reason-written');
    await quarantineEpisode(dependencies, episodeId);
  } catch (error) {
    // A command has drained it meanwhile.
    if (!existsSync(join(layout.episodes, episodeId))) {
      tallies.delete(episodeId);
      return 'gone';
    }
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
  // Once for each answer that came: thousands that were refused unasked have the same cure.
  for (const command of (refused.status === 0 ? undefined : refused.remediation)?.split('\n') ?? [])
    logger.error({ episode: episodeId, code: refused.code }, `remediation: ${command}`);
  return 'quarantined';
}

function localRefusal(code: string, detail: string): Refused {
  return { status: 0, code, detail, remediation: undefined, headCommit: undefined };
}

/** Undefined when it cannot be read to its end. */
async function sha256OfFile(path: string, onWork: () => void): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) {
      onWork();
      hash.update(chunk);
    }
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}
