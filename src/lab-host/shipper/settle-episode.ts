// What was decided about an episode, done: its note, then its move. Where nothing can be written into it, it waits alone, with what the
// receiver has said of it kept.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errnoOf, isNoRoom, messageOf } from '../../lib/app-error.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { DataLayout } from '../data-layout.ts';
import type { Refused } from '../transport/classify-answer.ts';
import { cureForHold } from '../transport/hold-cures.ts';
import { writeReason, writeReceipt } from './episode-notes.ts';
import { isGateCode } from './gate-codes.ts';
import type { Taken } from './held-back.ts';
import { moveOut } from './move-episode.ts';
import { discardPacked, type PackedEpisode } from './pack-episode.ts';
import { ON_TRIAL } from './release-trial.ts';
import type { ShipDependencies, ShipOutcome } from './ship-dependencies.ts';

export async function accept(
  dependencies: ShipDependencies,
  packed: PackedEpisode,
  taken: Taken,
): Promise<ShipOutcome> {
  const { layout, clock, uptime, tallies, logger, afterStep, heldBack } = dependencies;
  const { episodeId, sizeBytes } = packed;
  const { kind, answer } = taken;
  const settled = { shipped_at_wall: clock.wallTime(), shipper_uptime_s: uptime.nowS() };
  try {
    await inItsRoom(layout, episodeId, () => writeReceipt(layout, episodeId, { ...answer, ...settled }));
  } catch (error) {
    heldBack.taken(packed, taken);
    throw error;
  }
  afterStep('receipt-written');
  await moveOut(dependencies, episodeId, 'shipped');
  tallies.delete(episodeId);
  heldBack.forget(episodeId);
  logger.info({ episode: episodeId, outcome: kind, bytes: sizeBytes, seq: answer['seq'] }, 'episode shipped');
  return kind;
}

export async function condemn(
  dependencies: ShipDependencies,
  episodeId: string,
  refused: Refused,
  commit?: string,
): Promise<ShipOutcome> {
  const { layout, clock, logger, tallies, uptime, afterStep, heldBack, trial } = dependencies;
  if (await trial.isOn()) {
    if (trial.isNews()) tellTrial(dependencies, episodeId, refused);
    return 'waiting';
  }
  const reason = {
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
  };
  let isNoted = false;
  try {
    await inItsRoom(layout, episodeId, () => writeReason(layout, reason));
    isNoted = true;
    afterStep('reason-written');
    await moveOut(dependencies, episodeId, 'quarantine');
  } catch (error) {
    // A command has drained it meanwhile.
    if (!existsSync(join(layout.episodes, episodeId))) {
      tallies.delete(episodeId);
      return 'gone';
    }
    // Nothing has to be sent to have it refused once more: its turn comes as that of all others for which there is no room.
    if (isNoRoom(error) && (refused.status === 0 || isGateCode(refused.code))) return 'no-room';
    // Without its reason it would be sent, and refused, at each scan.
    const isTold = !isNoted && !heldBack.rest(episodeId);
    if (!isTold) {
      logger.error(
        { episode: episodeId, code: refused.code, reason: messageOf(error), cure: cureFor(layout, episodeId, error) },
        'refused episode could not be moved to quarantine; it stays',
      );
    }
    return 'waiting';
  }
  tallies.delete(episodeId);
  heldBack.forget(episodeId);
  logger.error(
    { episode: episodeId, status: refused.status || undefined, code: refused.code, detail: refused.detail },
    'episode refused and quarantined',
  );
  // Once for each answer that came: thousands that were refused unasked have the same cure.
  for (const command of (refused.status === 0 ? undefined : refused.remediation)?.split('\n') ?? [])
    logger.error({ episode: episodeId, code: refused.code }, `remediation: ${command}`);
  return 'quarantined';
}

/** On a full disk its note takes the place of its tarball, which nothing needs any more but in a crash: then it is packed and sent again. */
async function inItsRoom(layout: DataLayout, episodeId: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    await discardPacked(layout, episodeId);
    await write();
  }
}

/** Also of an episode that waits alone, without a word of the receiver. */
export function tellTrial({ logger }: ShipDependencies, episodeId: string, { code, status, detail }: Refused): void {
  logger.error(
    {
      code: ON_TRIAL,
      episode: episodeId,
      refused_with: code,
      status: status || undefined,
      detail,
      cure: cureForHold(ON_TRIAL),
    },
    'a release is on trial: what would be quarantined stays in the queue until it is confirmed or taken back',
  );
}

const UNTOUCHABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV']);

/** The episode's own directory cannot be read, written or moved: another one's may well be. */
export function isUntouchable(layout: DataLayout, episodeId: string, error: unknown): boolean {
  if (error instanceof AppError || !(error instanceof Error) || !UNTOUCHABLE.has(errnoOf(error) ?? '')) return false;
  const directory = join(layout.episodes, episodeId);
  const { path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  return [path, dest].some((it) => it === directory || it?.startsWith(`${directory}/`));
}

/** Told once: it is tried again every ten minutes. */
export function restAlone(
  { heldBack, layout, logger }: ShipDependencies,
  episodeId: string,
  error: unknown,
): ShipOutcome {
  if (heldBack.rest(episodeId)) {
    logger.error(
      {
        episode: episodeId,
        reason: messageOf(error),
        is_stored: heldBack.isTaken(episodeId) || undefined,
        cure: cureFor(layout, episodeId, error),
      },
      'episode cannot be changed: it stays where it is and is tried again every ten minutes; the others go on',
    );
  }
  return 'waiting';
}

function cureFor(layout: DataLayout, episodeId: string, error: unknown): string | undefined {
  if (!isUntouchable(layout, episodeId, error)) return undefined;
  const directory = shellWord(join(layout.episodes, episodeId));
  return `let the shipper's user write to it: ls -ld ${directory}; lsattr -d ${directory}; findmnt -T ${directory}; then sudo chmod u+rwx ${directory}, or chown, chattr -i or a remount`;
}
