// An episode's unfinished upload ends without being stored: its bytes and its room are given back.

import type { SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobKey } from '../../storage/blob-store.ts';
import type { Uploads } from '../../storage/uploads.ts';
import type { UnfinishedUploads } from './unfinished-uploads.ts';

export interface EndUploadDependencies {
  uploads: Uploads;
  unfinished: UnfinishedUploads;
}

/** Whoever works on it is asked to let go. Nothing where there is none. */
export async function endUploadOf(dependencies: EndUploadDependencies, key: BlobKey): Promise<void> {
  const former = dependencies.unfinished.ofEpisode(key);
  if (former) await end(dependencies, former.upload.uploadId, 'removed');
}

/**
 * The episode was stored by a PUT: nothing is to come by an upload. Who brings other content at this moment hears of it with the last byte;
 * who brings the same is cut off, and finds the upload at its end.
 */
export async function endUploadOfStored(dependencies: EndUploadDependencies, row: SequencedRow): Promise<void> {
  const { unfinished } = dependencies;
  const former = unfinished.ofEpisode({ hostId: row.host_id, episodeId: row.episode_id });
  if (!former) return;
  const { uploadId, sha256 } = former.upload;
  const isSame = sha256 === row.sha256;
  if (isSame || !unfinished.isBusy(uploadId)) await end(dependencies, uploadId, isSame ? 'stored' : 'removed');
}

async function end(
  { uploads, unfinished }: EndUploadDependencies,
  uploadId: string,
  as: 'stored' | 'removed',
): Promise<void> {
  const lock = await uploads.lock(uploadId, () => undefined);
  try {
    if (!unfinished.find(uploadId)) return;
    unfinished.drop(uploadId, as);
    await uploads.remove(uploadId);
  } finally {
    lock.release();
  }
}
