// Brings a tarball to the receiver by a resumable upload, from the last byte that it has. Where the upload is stands on the disk before the
// first byte leaves, so a kill at any step costs no byte that has arrived.

import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ReceiverAnswer } from '../transport/classify-answer.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { ShipperStep } from './shipper-step.ts';
import type { UploadNotes } from './upload-note.ts';
import type { UploadProgress } from './upload-progress.ts';
import type { Created, Progress, UploadRequests } from './upload-requests.ts';

// Each begins the upload, or asks where it stands, and goes on with it. What needs more has no accident but a fault.
const MOST_ROUNDS = 4;

/**
 * `answered`: as if a PUT had been answered so; of an upload at its end this is the receipt. `done`: an upload can do no more, and a PUT has
 * the verdict. `unusable`: the receiver serves no uploads. `busy`: it takes no more of them now.
 */
export type Uploaded =
  | { kind: 'done' | 'busy' }
  | { kind: 'unusable'; why: string }
  | { kind: 'answered'; answer: ReceiverAnswer };

export interface UploadDependencies {
  requests: UploadRequests;
  notes: UploadNotes;
  /** Whether the gate refuses it now, as far as can be known. */
  isRefused: (episode: PackedEpisode, stop: AbortSignal) => Promise<boolean>;
  progress: UploadProgress;
  /** The attempt before has moved it on: the link works, however often it breaks. */
  onMoved: () => void;
  afterStep: AfterStep<ShipperStep>;
  logger: Pick<Logger, 'info'>;
}

/** Rejects as a PUT does, and with `upload-unsettled` or `upload-odd-answer`: the next attempt goes on from where this one came to. */
export async function uploadEpisode(
  dependencies: UploadDependencies,
  hostId: string,
  episode: PackedEpisode,
  stop: AbortSignal,
): Promise<Uploaded> {
  const { requests, notes, progress, onMoved, isRefused, afterStep, logger } = dependencies;
  const { episodeId, sizeBytes } = episode;
  let path = notes.read(episode);
  let mayBeRefused = path !== undefined;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    let reached: Progress;
    if (path === undefined) {
      const created = await requests.create(hostId, episode, stop);
      if (created.kind !== 'created') return ended(created);
      afterStep('upload-created');
      path = created.path;
      // On a disk that takes no note it goes on from memory: only a kill would make it begin anew.
      await notes.write(episode, path).catch((error: unknown) => {
        logger.info({ err: error, episode: episodeId }, 'upload: where it is cannot be noted');
      });
      // The gate was asked with it.
      mayBeRefused = false;
      reached = { kind: 'at', offsetBytes: 0 };
    } else {
      reached = await requests.offset(path, stop, sizeBytes);
    }
    if (reached.kind === 'at' && progress.hasMoved(path, reached.offsetBytes)) onMoved();
    if (reached.kind === 'at' && reached.offsetBytes < sizeBytes) {
      if (mayBeRefused && (await isRefused(episode, stop))) return await hearVerdict();
      mayBeRefused = false;
      const { offsetBytes } = reached;
      if (offsetBytes > 0)
        logger.info({ episode: episodeId, from_byte: offsetBytes, bytes: sizeBytes }, 'upload goes on');
      reached = await requests.send(path, episode, offsetBytes, stop);
    }
    if (reached.kind === 'elsewhere' || (reached.kind === 'at' && reached.offsetBytes < sizeBytes)) continue;
    progress.forget(path);
    if (reached.kind === 'at' || reached.kind === 'refused') return await hearVerdict();
    if (reached.kind !== 'lost') return ended(reached);
    path = undefined;
  }
  throw new AppError('upload-unsettled', `the upload of ${episodeId} comes to no end`, { retryable: true });

  /**
   * By another creation: of what is stored it answers as a PUT does, with the digest that it has, and of what is refused with the reason. A PUT
   * would bring its body once more to a proxy that gives leave by itself.
   */
  async function hearVerdict(): Promise<Uploaded> {
    const said = await requests.create(hostId, episode, stop);
    if (said.kind === 'answered') return said;
    return said.kind === 'stored' ? ended(said) : { kind: 'done' };
  }
}

function ended(last: Exclude<Created | Progress, { kind: 'created' | 'at' }>): Uploaded {
  switch (last.kind) {
    case 'unusable':
    case 'answered':
    case 'busy':
      return last;
    case 'stored':
      return last.answer ? { kind: 'answered', answer: last.answer } : { kind: 'done' };
    default:
      return { kind: 'done' };
  }
}
