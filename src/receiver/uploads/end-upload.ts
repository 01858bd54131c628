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

/** The episode was stored by a PUT: nothing is to come by an upload. One that somebody works on hears that with its last byte. */
export async function endIdleUploadOf(dependencies: EndUploadDependencies, row: SequencedRow): Promise<void> {
  const { unfinished } = dependencies;
  const former = unfinished.ofEpisode({ hostId: row.host_id, episodeId: row.episode_id });
  if (!former || unfinished.isBusy(former.upload.uploadId)) return;
  await end(dependencies, former.upload.uploadId, former.upload.sha256 === row.sha256 ? 'stored' : 'removed');
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
