// One episode, from wherever it stands, as far as it gets: pack → put → receipt → shipped/, or reason → quarantine/, or it waits.

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isNoRoom } from '../../lib/app-error.ts';
import { sleepUntil } from '../../lib/clock.ts';
import { isEpisodeId } from '../../protocol/ids.ts';
import { outboxFiles } from '../data-layout.ts';
import { classifyAnswer, type Refused, type Verdict } from '../transport/classify-answer.ts';
import { classifyNetworkError } from '../transport/classify-network-error.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { hasReason, hasReceipt } from './episode-notes.ts';
import { after, type EpisodeEvent, EVENT_OF_VERDICT, episodeState } from './episode-state.ts';
import { isGateCode } from './gate-codes.ts';
import { moveOut } from './move-episode.ts';
import { discardPacked, type PackedEpisode, packEpisode, readStamp } from './pack-episode.ts';
import { ON_TRIAL } from './release-trial.ts';
import { accept, condemn, isUntouchable, restAlone, tellTrial } from './settle-episode.ts';
import { type ShipDependencies, type ShipOutcome, tallyOf } from './ship-dependencies.ts';

// What happens so often to one episode is no accident of the link, nor of a recorder that finishes late.
const MAX_DAMAGED = 3;
const MAX_CHANGING = 3;

/** Never throws for what one episode can be or meet. */
export async function shipEpisode(
  dependencies: ShipDependencies,
  episodeId: string,
  stop: AbortSignal,
): Promise<ShipOutcome> {
  const { layout, logger, heldBack } = dependencies;
  if (heldBack.isResting(episodeId)) return 'waiting';
  try {
    const state = episodeState({
      hasReceipt: await hasReceipt(layout, episodeId),
      hasReason: await hasReason(layout, episodeId),
    });
    if (state === 'receipted') {
      await moveOut(dependencies, episodeId, 'shipped');
      heldBack.forget(episodeId);
      return 'shipped';
    }
    if (state === 'condemned') {
      await moveOut(dependencies, episodeId, 'quarantine');
      heldBack.forget(episodeId);
      return 'quarantined';
    }
    if (!isEpisodeId(episodeId)) {
      const detail = 'the directory name is no valid episode id';
      return await condemn(dependencies, episodeId, { status: 0, code: 'bad-episode-id', detail });
    }
    return await packAndPut(dependencies, episodeId, stop);
  } catch (error) {
    if (stop.aborted) return 'waiting';
    if (!existsSync(join(layout.episodes, episodeId))) {
      dependencies.tallies.delete(episodeId);
      return 'gone';
    }
    if (isNoRoom(error)) return 'no-room';
    if (isUntouchable(layout, episodeId, error)) return restAlone(dependencies, episodeId, error);
    if (error instanceof AppError && isOwnFault(dependencies, episodeId, error)) {
      return await condemn(dependencies, episodeId, { status: 0, code: error.code, detail: error.message });
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

async function packAndPut(dependencies: ShipDependencies, episodeId: string, stop: AbortSignal): Promise<ShipOutcome> {
  const { link, logger, layout, gateMemory, heldBack, patience, clock } = dependencies;
  if (!heldBack.isTaken(episodeId)) {
    const stamp = readStamp(layout, episodeId);
    const refusal = await gateMemory.refusalOf(stamp, stop);
    if (refusal) return await condemn(dependencies, episodeId, refusal, stamp.commit);
    // What is not sent in this pass would only fill the disk.
    if (patience === 'impatient' && link.isHopeless) return 'waiting';
  }
  const beganMs = clock.monotonicMs();
  const { kind, packed } = await packEpisode(dependencies, episodeId, stop);
  if (kind === 'packed') {
    dependencies.onPacked?.(packed, clock.monotonicMs() - beganMs);
    logger.info({ episode: episodeId, bytes: packed.sizeBytes, source_bytes: packed.sourceBytes }, 'episode packed');
  }
  const taken = heldBack.answerTo(packed);
  if (taken) return await accept(dependencies, packed, taken);
  for (;;) {
    const admission = await link.admit(stop, patience);
    if (!admission) return 'waiting';
    try {
      // A command may have drained it while its turn was awaited.
      if (!existsSync(join(layout.episodes, episodeId))) return 'gone';
      const verdict = await attempt(dependencies, packed, stop);
      if (stop.aborted && verdict.kind === 'transient') return 'waiting';
      const outcome = await settle(dependencies, packed, verdict);
      if (!isCutUpload(dependencies, packed, verdict)) return outcome;
    } finally {
      link.ended(admission);
    }
    await sleepUntil(clock, link.trouble?.nextTryAtMs ?? 0, stop);
  }
}

/** In a single pass no later one goes on with it: until there is no hope this one does. */
function isCutUpload(
  { patience, layout, link }: ShipDependencies,
  { episodeId }: PackedEpisode,
  verdict: Verdict,
): boolean {
  const isCutOff = verdict.kind === 'transient' && verdict.status === 0;
  return (
    patience === 'impatient' && !link.isHopeless && isCutOff && existsSync(outboxFiles(layout, episodeId).uploadNote)
  );
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
  { brake, trial, onWork }: ShipDependencies,
  { episodeId, tarballPath, sha256 }: PackedEpisode,
  verdict: Verdict,
): Promise<EpisodeEvent> {
  if (verdict.kind === 'fatal' && (await trial.isOn())) return 'put-off';
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
      if (event === 'put-off') {
        link.held(ON_TRIAL);
        if (dependencies.trial.isNews()) tellTrial(dependencies, episodeId, verdict);
        return;
      }
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
