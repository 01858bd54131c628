// A resumable upload begins: everything that a PUT is asked before its body, in the same order, and only then anything is kept.

import type { Clock } from '../../lib/clock.ts';
import { HEADER } from '../../protocol/headers.ts';
import { EPISODE_SUFFIX } from '../../protocol/ids.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import type { Uploads } from '../../storage/uploads.ts';
import {
  type CheckDependencies,
  type CheckOutcome,
  checkEpisode,
  type HeaderLookup,
  type Refusal,
  readIds,
} from '../ingest/check-episode.ts';
import { endUploadOf } from './end-upload.ts';
import type { UnfinishedUploads } from './unfinished-uploads.ts';

export interface UploadDependencies {
  uploads: Uploads;
  unfinished: UnfinishedUploads;
  clock: Clock;
}

export type UploadMetadata = Record<string, string | null>;

export interface NewUpload {
  uploadId: string;
  sizeBytes: number;
  metadata: UploadMetadata;
}

/** What a PUT says in its headers, as the metadata has it. */
export function headersOf(metadata: UploadMetadata, contentLength: number): HeaderLookup {
  const given: Record<string, string | null | undefined> = {
    [HEADER.sha256]: metadata['sha256'],
    [HEADER.commit]: metadata['commit'],
    [HEADER.dirty]: metadata['dirty'],
    [HEADER.schemaVersion]: metadata['schema_version'],
    'content-length': String(contentLength),
  };
  return (name) => given[name] ?? undefined;
}

/** Throws `disk-full`. */
export async function createUpload(
  dependencies: UploadDependencies & CheckDependencies,
  { uploadId, sizeBytes, metadata }: NewUpload,
): Promise<Refusal | { kind: 'duplicate'; row: SequencedRow } | { kind: 'created' }> {
  const { uploads, unfinished, clock } = dependencies;
  const ids = readIds(metadata['host_id'] ?? '', `${metadata['episode_id'] ?? ''}${EPISODE_SUFFIX}`);
  if (ids.kind === 'refused') return ids;
  const { key } = ids;
  // Two that create the same at once: the second finds the first's.
  const turn = await uploads.lock(`${key.hostId}/${key.episodeId}`, () => undefined);
  try {
    const check = async () => await checkEpisode(dependencies, key, headersOf(metadata, sizeBytes));
    let checked = await check();
    if (isShortOfRoom(checked) && unfinished.ofEpisode(key)) {
      // Whoever creates says that there is nothing to go on from: the room that it lacks may be the former one's.
      await endUploadOf(dependencies, key);
      checked = await check();
    }
    if (checked.kind === 'duplicate') await endUploadOf(dependencies, key);
    if (checked.kind !== 'accepted') return checked;
    try {
      await endUploadOf(dependencies, key);
      if (!unfinished.hasPlaceFor(key.hostId, sizeBytes)) return tooMany(key.hostId);
      const { sha256, reservation } = checked;
      const upload = { uploadId, key, sha256, sizeBytes, metadata, createdAtWall: clock.wallTime() };
      // Before it is there: of several at once each sees the others.
      unfinished.add(upload, reservation);
      await uploads.create(upload);
    } catch (error) {
      unfinished.drop(uploadId, 'removed');
      throw error;
    } finally {
      if (!unfinished.find(uploadId)) checked.reservation.release();
    }
    return { kind: 'created' };
  } finally {
    turn.release();
  }
}

function isShortOfRoom(checked: CheckOutcome): boolean {
  return checked.kind === 'refused' && checked.code === 'disk-reserve';
}

function tooMany(hostId: string): Refusal {
  const detail = `${hostId} has as many uploads under way, or as many bytes in them, as this receiver keeps of one host; a plain PUT is taken`;
  return { kind: 'refused', code: 'too-many-uploads', detail };
}
