// The last byte has come: gate, room and what is stored are asked once more, and then it is stored by the steps of a PUT.

import { outcomeKindOf } from '../attempts/outcome-kind.ts';
import { type CheckDependencies, checkEpisode } from '../ingest/check-episode.ts';
import {
  type CommitDependencies,
  commitEpisode,
  type StoredOrRefused,
  toStoredOrRefused,
} from '../ingest/commit-episode.ts';
import { headersOf, type UploadDependencies } from './create-upload.ts';
import type { UnfinishedUpload } from './unfinished-uploads.ts';

/** Under the upload's lock. Throws `disk-full`, `sync-failed` or `stopping`: then it is kept, whole, as after a refusal of 5xx. */
export async function finishUpload(
  dependencies: UploadDependencies & CheckDependencies & CommitDependencies,
  { upload }: UnfinishedUpload,
): Promise<StoredOrRefused> {
  const { uploads, unfinished } = dependencies;
  const outcome = await checkAndCommit(dependencies, upload);
  if (outcome.kind === 'refused' && outcomeKindOf(outcome.code) === 'failed') return outcome;
  unfinished.drop(upload.uploadId, outcome.kind === 'refused' ? 'removed' : 'stored');
  // Of what was stored just now nothing is left to remove.
  if (outcome.kind !== 'stored') await uploads.remove(upload.uploadId);
  return outcome;
}

async function checkAndCommit(
  dependencies: UploadDependencies & CheckDependencies & CommitDependencies,
  upload: UnfinishedUpload['upload'],
): Promise<StoredOrRefused> {
  const { key, sizeBytes, metadata } = upload;
  // Its bytes are on the disk already: what is asked is whether the reserve still stands.
  const checked = await checkEpisode(dependencies, key, headersOf(metadata, 0));
  if (checked.kind !== 'accepted') return checked;
  try {
    const body = dependencies.uploads.whole(upload);
    return toStoredOrRefused(await commitEpisode(dependencies, body, { ...checked, key, sizeBytes }));
  } finally {
    checked.reservation.release();
  }
}
