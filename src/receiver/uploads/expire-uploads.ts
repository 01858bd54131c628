// Removes uploads for which nothing has come for too long, at the start and every ten minutes, and never one that a request works on.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Uploads } from '../../storage/uploads.ts';
import type { UnfinishedUploads } from './unfinished-uploads.ts';

const LOOK_EVERY_MS = 600_000;

export interface ExpireDependencies {
  uploads: Uploads;
  unfinished: UnfinishedUploads;
  clock: Clock;
  logger: Logger;
}

/** Until `stop`; then notes how old each is, so that a restart does not make them young. A failure is told, and tried again. */
export async function keepExpiring(dependencies: ExpireDependencies, stop: AbortSignal): Promise<void> {
  const { uploads, unfinished, clock, logger } = dependencies;
  for (;;) {
    try {
      await expireUploads(dependencies);
      await uploads.writeAges(unfinished.ages());
    } catch (error) {
      logger.warn({ err: error }, 'uploads could not be looked at for their age; tried again in ten minutes');
    }
    if (stop.aborted) return;
    await clock.sleep(LOOK_EVERY_MS, stop);
  }
}

export async function expireUploads({ uploads, unfinished, logger }: ExpireDependencies): Promise<void> {
  for (const uploadId of unfinished.expiredNow()) {
    const lock = await uploads.lock(uploadId, () => undefined);
    try {
      // Somebody may have been quicker.
      if (!unfinished.expiredNow().includes(uploadId)) continue;
      const { key, sizeBytes } = unfinished.find(uploadId)?.upload ?? {};
      unfinished.drop(uploadId, 'expired');
      await uploads.remove(uploadId);
      const of = { host: key?.hostId, episode: key?.episodeId, bytes: sizeBytes, upload: uploadId };
      logger.info(of, 'upload expired: nothing came for it for too long; it is removed, and its room is free');
    } finally {
      lock.release();
    }
  }
}
