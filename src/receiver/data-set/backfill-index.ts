// Rows for stored episodes that the ledger lacks, as a crash's recovery writes them. What has a row is left as it is, so that it may be
// run again, and be killed at any point.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RateLimit } from '../../lib/rate-limit.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobKey, BlobStore } from '../../storage/blob-store.ts';
import type { Ledger } from '../../storage/ledger.ts';
import { completeRow } from '../ingest/commit-episode.ts';
import type { StoreProblem } from './store-problem.ts';
import type { WorkProgress } from './work-progress.ts';

export interface BackfillIndexOptions {
  blobs: BlobStore;
  ledger: Ledger;
  rateLimit: RateLimit;
  progress: WorkProgress;
  onAdded: (row: SequencedRow) => void;
  /** What is left alone. */
  onProblem: (problem: StoreProblem) => void;
  stop: AbortSignal;
  clock: Clock;
  logger: Logger;
}

export interface BackfillOutcome {
  kind: 'done' | 'interrupted';
  /** How many files lie in the store, got a row now, and could not be read. */
  episodes: number;
  added: number;
  unreadable: number;
}

/** Throws `disk-full` and `sync-failed`. */
export async function backfillIndex(options: BackfillIndexOptions): Promise<BackfillOutcome> {
  const { blobs, onProblem, stop } = options;
  const outcome: BackfillOutcome = { kind: 'done', episodes: 0, added: 0, unreadable: 0 };
  let hashedBytes = 0;
  const onHashed = async (bytes: number) => {
    hashedBytes += bytes;
    tell();
    await options.rateLimit.used(bytes, stop, async () => tell());
  };
  const tell = () =>
    options.progress.update({ what: 'episodes', done: outcome.episodes, bytes: { done: hashedBytes } });
  for await (const listed of blobs.list()) {
    if (stop.aborted) return { ...outcome, kind: 'interrupted' };
    if (listed.kind === 'foreign') {
      onProblem({ kind: 'foreign', path: listed.path, detail: 'no receiver has put this here; left alone' });
      continue;
    }
    outcome.episodes += 1;
    const result = await backfillOne(listed.key, options, onHashed);
    if (result === 'interrupted') return { ...outcome, kind: 'interrupted' };
    if (result === 'added') outcome.added += 1;
    if (result === 'unreadable') outcome.unreadable += 1;
    tell();
  }
  return outcome;
}

type OneOutcome = 'present' | 'added' | 'left-alone' | 'unreadable' | 'interrupted';

async function backfillOne(
  key: BlobKey,
  { blobs, ledger, onAdded, onProblem, stop, clock, logger }: BackfillIndexOptions,
  onHashed: (bytes: number) => Promise<void>,
): Promise<OneOutcome> {
  const place = { path: blobs.pathInRow(key), key };
  const found = await ledger.find(key.hostId, key.episodeId);
  if (found && !found.tombstone) return 'present';
  try {
    const completed = await completeRow({ blobs, ledger, clock, logger }, key, { stop, onHashed });
    if (completed.kind === 'retracted') {
      const { retracted_at_wall, reason } = completed.tombstone;
      const detail = `it was retracted at ${retracted_at_wall} (${reason}); left alone`;
      onProblem({ kind: 'retracted-left', ...place, detail });
      return 'left-alone';
    }
    onAdded(completed.row);
    return 'added';
  } catch (error) {
    if (stop.aborted) return 'interrupted';
    if (error instanceof AppError && error.code !== 'blob-missing') throw error;
    onProblem({ kind: 'unreadable', ...place, detail: messageOf(error) });
    return 'unreadable';
  }
}
