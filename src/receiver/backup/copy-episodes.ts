// Every episode of the copied ledger that the copy does not have yet, hashed on its way: what is not what its row says is told, and not
// copied. Ended at any point it goes on with those that are missing.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { RateLimit } from '../../lib/rate-limit.ts';
import { isEpisodeId, isHostId } from '../../protocol/ids.ts';
import { isTombstone, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobReader, BlobStore } from '../../storage/blob-store.ts';
import type { LedgerReader } from '../../storage/ledger-reader.ts';
import { confirmSuspects, keyOf, type Suspect, surveyLedger } from '../data-set/scan-ledger.ts';
import type { StoreProblem } from '../data-set/store-problem.ts';
import type { WorkProgress } from '../data-set/work-progress.ts';

export interface CopyEpisodesOptions {
  /** The store's, as it is now. */
  from: { blobs: BlobReader; ledger: LedgerReader };
  to: { blobs: Pick<BlobStore, 'stat' | 'begin'>; ledger: LedgerReader };
  rateLimit: RateLimit;
  progress: WorkProgress;
  onProblem: (problem: StoreProblem) => void;
  stop: AbortSignal;
}

export interface CopyEpisodesOutcome {
  kind: 'whole' | 'damaged' | 'interrupted';
  /** That are in the copy, and those of them that came now. */
  episodes: number;
  bytes: number;
  copied: number;
}

type Copied = 'held' | 'copied' | 'interrupted' | StoreProblem;

/** Throws `disk-full`, `sync-failed`. */
export async function copyEpisodes(options: CopyEpisodesOptions): Promise<CopyEpisodesOutcome> {
  const { from, to, progress, stop } = options;
  const survey = await surveyLedger(to.ledger);
  const suspects = new Map<string, Suspect>();
  const outcome: CopyEpisodesOutcome = { kind: 'whole', episodes: 0, bytes: 0, copied: 0 };
  for await (const item of to.ledger.read(0)) {
    if (item.kind === 'bad-line' || isTombstone(item.entry) || survey.retracted.has(keyOf(item.entry))) continue;
    const { entry: row, line } = item;
    const copied = stop.aborted ? 'interrupted' : await copyOne(row, line, options);
    if (copied === 'interrupted') return { ...outcome, kind: 'interrupted' };
    if (typeof copied === 'object') {
      if (!suspects.has(keyOf(row))) suspects.set(keyOf(row), { problem: copied, seq: row.seq });
      continue;
    }
    outcome.episodes += 1;
    outcome.bytes += row.bytes;
    if (copied === 'copied') outcome.copied += 1;
    const bytes = { done: outcome.bytes, total: survey.bytes };
    progress.update({ what: 'episodes', done: outcome.episodes, total: survey.episodes, bytes });
  }
  for (const problem of await confirmSuspects(from.ledger, suspects)) {
    outcome.kind = 'damaged';
    options.onProblem(problem);
  }
  return outcome;
}

async function copyOne(
  row: SequencedRow,
  line: number,
  { from, to, rateLimit, stop }: CopyEpisodesOptions,
): Promise<Copied> {
  const { host_id: hostId, episode_id: episodeId, sha256, bytes } = row;
  if (!isHostId(hostId) || !isEpisodeId(episodeId)) {
    return {
      kind: 'bad-row',
      path: `index.jsonl:${line}`,
      detail: `its host_id or episode_id is no id: ${keyOf(row)}`,
    };
  }
  const key = { hostId, episodeId };
  const place = { path: from.blobs.pathInRow(key), key };
  // What lies there has been hashed, and its row does not change.
  if ((await to.blobs.stat(key))?.sizeBytes === bytes) return 'held';
  const found = await from.blobs.stat(key);
  if (!found) return { kind: 'missing', ...place, detail: 'the file is not there' };
  if (found.sizeBytes !== bytes) {
    return { kind: 'wrong-size', ...place, detail: `the file has ${found.sizeBytes} bytes, its row ${bytes}` };
  }
  const write = await to.blobs.begin({ key, sha256, sizeBytes: bytes });
  try {
    for await (const chunk of await from.blobs.read(key)) {
      await write.write(chunk);
      await rateLimit.used(chunk.length, stop);
      if (stop.aborted) return 'interrupted';
    }
    const committed = await write.commit();
    if (committed.kind === 'created') await write.finish();
    if (committed.kind !== 'mismatch') return 'copied';
    return { kind: 'changed', ...place, detail: `its SHA-256 is ${committed.sha256}, in its row ${sha256}` };
  } catch (error) {
    // The copy's own: no room, or a disk that fails.
    if (error instanceof AppError && error.code !== 'blob-missing') throw error;
    return { kind: 'unreadable', ...place, detail: messageOf(error) };
  } finally {
    await write.abort();
  }
}
