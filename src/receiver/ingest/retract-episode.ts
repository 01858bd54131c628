// Takes a stored episode back. Order: tombstone durable → file removed → answered. A crash between the two leaves a file that nobody
// is served any more; the same request again removes it.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { BlobKey, BlobStore } from '../../storage/blob-store.ts';
import type { Ledger, RetractOutcome } from '../../storage/ledger.ts';
import type { EpisodeLocks } from './episode-locks.ts';

export interface RetractDependencies {
  blobs: BlobStore;
  ledger: Ledger;
  locks: EpisodeLocks;
  clock: Clock;
  logger: Logger;
}

/** Throws `disk-full`, `sync-failed` or `stopping`: then it is stored as before, or retracted and the same call says so. */
export async function retractEpisode(
  { blobs, ledger, locks, clock, logger }: RetractDependencies,
  key: BlobKey,
  { reason, by }: { reason: string; by: string },
): Promise<RetractOutcome> {
  return await locks.run(key.hostId, key.episodeId, async () => {
    const outcome = await ledger.retract({
      host_id: key.hostId,
      episode_id: key.episodeId,
      retracted_at_wall: clock.wallTime(),
      reason,
      by,
    });
    if (outcome.kind === 'not-found') return outcome;
    await blobs.remove(key);
    if (outcome.kind === 'retracted') {
      logger.warn(
        { host: key.hostId, episode: key.episodeId, seq: outcome.tombstone.seq, reason, by },
        'episode retracted',
      );
    }
    return outcome;
  });
}
