// From a received body to a stored episode, under the lock of its id: publish the blob, then its row, and only then say so.

import { createHash } from 'node:crypto';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { GateDecision, SequencedRow, SequencedTombstone } from '../../protocol/ledger-row.ts';
import type { BlobKey, BlobStore, BlobWrite, UnfinishedBlob } from '../../storage/blob-store.ts';
import type { Ledger } from '../../storage/ledger.ts';
import { conflict, type Refusal, retracted } from './check-episode.ts';
import type { EpisodeLocks } from './episode-locks.ts';
import { readPackedMeta } from './read-packed-meta.ts';

export interface ReceivedEpisode {
  key: BlobKey;
  sha256: string;
  sizeBytes: number;
  commit: string | undefined;
  dirty: boolean;
  schemaVersion: string | undefined;
  gate: GateDecision;
}

export type IngestOutcome =
  | { kind: 'stored' | 'duplicate' | 'conflict'; row: SequencedRow }
  | { kind: 'retracted'; tombstone: SequencedTombstone }
  | { kind: 'digest-mismatch'; sha256: string; sizeBytes: number };

export type StoredOrRefused = Refusal | { kind: 'stored' | 'duplicate'; row: SequencedRow };

/** The outcome as its sender is told. */
export function toStoredOrRefused(outcome: IngestOutcome): StoredOrRefused {
  if (outcome.kind === 'conflict') return conflict(outcome.row);
  if (outcome.kind === 'retracted') return retracted(outcome.tombstone);
  if (outcome.kind !== 'digest-mismatch') return { kind: outcome.kind, row: outcome.row };
  const detail = `${outcome.sizeBytes} bytes arrived, with SHA-256 ${outcome.sha256}; nothing was kept`;
  return { kind: 'refused', code: 'digest-mismatch', detail };
}

export interface CommitDependencies {
  blobs: BlobStore;
  ledger: Ledger;
  locks: EpisodeLocks;
  clock: Clock;
  logger: Logger;
}

/** Ends `body` either way. Throws `disk-full` or `sync-failed`. */
export async function commitEpisode(
  dependencies: CommitDependencies,
  body: Pick<BlobWrite, 'commit' | 'finish'>,
  episode: ReceivedEpisode,
): Promise<IngestOutcome> {
  const { hostId, episodeId } = episode.key;
  return await dependencies.locks.run(hostId, episodeId, async () => {
    // A retraction takes the same lock: none can come between this look and the row.
    const known = await dependencies.ledger.find(hostId, episodeId);
    if (known?.tombstone) return { kind: 'retracted', tombstone: known.tombstone };
    if (known) await setDamagedAside(dependencies, episode.key, known.row);
    const committed = await body.commit();
    if (committed.kind === 'mismatch') return { ...committed, kind: 'digest-mismatch' };
    if (committed.kind === 'exists') {
      const completed = await completeRow(dependencies, episode.key);
      if (completed.kind === 'retracted') return completed;
      const { row } = completed;
      return { kind: row.sha256 === episode.sha256 ? 'duplicate' : 'conflict', row };
    }
    const appended = await dependencies.ledger.append({
      host_id: hostId,
      episode_id: episodeId,
      received_at_wall: dependencies.clock.wallTime(),
      sha256: episode.sha256,
      bytes: episode.sizeBytes,
      path: dependencies.blobs.pathInRow(episode.key),
      schema_version: episode.schemaVersion ?? null,
      commit: episode.commit ?? null,
      dirty: episode.dirty,
      gate: episode.gate,
    });
    await body.finish();
    return appended.kind === 'appended' ? { kind: 'stored', row: appended.row } : appended;
  });
}

/** A file that is not as long as its row says is not what was stored: a good one may take its place. */
async function setDamagedAside({ blobs, logger }: CommitDependencies, key: BlobKey, row: SequencedRow): Promise<void> {
  const stored = await blobs.stat(key);
  if (!stored || stored.sizeBytes === row.bytes) return;
  const path = await blobs.setAside(key);
  logger.error(
    {
      host: key.hostId,
      episode: key.episodeId,
      bytes: stored.sizeBytes,
      stored_bytes: row.bytes,
      path,
      cure: 'cis490 index verify',
    },
    'a stored file was damaged: set aside, and taken anew from its host',
  );
}

/** After a crash: gives each episode that was published without a row its row. Never answers anybody by itself. */
export async function finishPublished(
  dependencies: CommitDependencies,
  unfinished: readonly UnfinishedBlob[],
  stop: AbortSignal,
): Promise<void> {
  for (const { key, finish } of unfinished) {
    try {
      await dependencies.locks.run(key.hostId, key.episodeId, async () => {
        const { kind } = await completeRow(dependencies, key, { stop });
        if (kind === 'retracted') await dependencies.blobs.remove(key);
        await finish();
      });
    } catch (error) {
      if (stop.aborted) return;
      // The disk may have lost what was written: the process must end.
      if (error instanceof AppError && error.code === 'sync-failed') throw error;
      dependencies.logger.error(
        { host: key.hostId, episode: key.episodeId, err: error },
        'episode that a crash left without its row could not be completed; the next start tries again',
      );
    }
  }
}

export type CompletedRow = { kind: 'row'; row: SequencedRow } | { kind: 'retracted'; tombstone: SequencedTombstone };

export interface CompleteRowOptions {
  stop?: AbortSignal;
  /** After each piece that was hashed: the next one waits for it. */
  onHashed?: (bytes: number) => Promise<void>;
}

/** The row of a published blob; one that lacks it is hashed anew and stamped from what it carries. */
export async function completeRow(
  { blobs, ledger, clock, logger }: Omit<CommitDependencies, 'locks'>,
  key: BlobKey,
  { stop, onHashed }: CompleteRowOptions = {},
): Promise<CompletedRow> {
  const existing = await ledger.find(key.hostId, key.episodeId);
  if (existing?.tombstone) return { kind: 'retracted', tombstone: existing.tombstone };
  if (existing?.row) return { kind: 'row', row: existing.row };
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of await blobs.read(key)) {
    stop?.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.length;
    await onHashed?.(chunk.length);
  }
  const stamp = await readPackedMeta(await blobs.read(key));
  const stored = await blobs.stat(key);
  // A crash, or whoever copied it here, may have left it to the kernel's memory: a row may rest only on what is durable.
  await blobs.makeDurable(key);
  const outcome = await ledger.append({
    host_id: key.hostId,
    episode_id: key.episodeId,
    received_at_wall: earlier(stored?.storedAtWall, clock.wallTime()),
    sha256: hash.digest('hex'),
    bytes: sizeBytes,
    path: blobs.pathInRow(key),
    schema_version: stamp.schemaVersion ?? null,
    commit: stamp.commit ?? null,
    dirty: stamp.dirty,
    gate: 'recovered',
  });
  if (outcome.kind === 'retracted') return outcome;
  const { row } = outcome;
  logger.warn(
    { host: key.hostId, episode: key.episodeId, seq: row.seq },
    'episode was published without its row; row completed',
  );
  return { kind: 'row', row };
}

/** When the file was written is when it came, unless a clock was wrong then. */
function earlier(storedAtWall: string | undefined, now: string): string {
  return storedAtWall !== undefined && storedAtWall < now ? storedAtWall : now;
}
