// Whether the file of one ledger row is there, of its size, and the very bytes that were stored.

import { createHash } from 'node:crypto';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { isEpisodeId, isHostId } from '../../protocol/ids.ts';
import type { SequencedRow } from '../../protocol/ledger-row.ts';
import type { BlobKey, BlobReader } from '../../storage/blob-store.ts';
import type { StoreProblem } from './store-problem.ts';

export interface CheckRowOptions {
  blobs: BlobReader;
  /** After each piece that was hashed: the next one waits for it. */
  onHashed: (bytes: number) => Promise<void>;
  signal: AbortSignal;
}

/** Undefined when it is whole. `aborted` judges nothing. */
export async function checkRow(
  row: SequencedRow,
  line: number,
  { blobs, onHashed, signal }: CheckRowOptions,
): Promise<StoreProblem | 'aborted' | undefined> {
  // Ids become file names: one that is none is never followed.
  if (!isHostId(row.host_id) || !isEpisodeId(row.episode_id)) {
    const detail = `seq ${row.seq}: its host_id or episode_id is no id: ${row.host_id}/${row.episode_id}`;
    return { kind: 'bad-row', path: `index.jsonl:${line}`, detail };
  }
  const key: BlobKey = { hostId: row.host_id, episodeId: row.episode_id };
  const place = { path: blobs.pathInRow(key), key };
  const hash = createHash('sha256');
  try {
    const found = await blobs.stat(key);
    if (!found) return { kind: 'missing', ...place, detail: `seq ${row.seq}: the file is not there` };
    if (found.sizeBytes !== row.bytes) {
      const detail = `seq ${row.seq}: the file has ${found.sizeBytes} bytes, its row ${row.bytes}`;
      return { kind: 'wrong-size', ...place, detail };
    }
    for await (const chunk of await blobs.read(key)) {
      hash.update(chunk);
      await onHashed(chunk.length);
      if (signal.aborted) return 'aborted';
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'blob-missing') {
      return { kind: 'missing', ...place, detail: `seq ${row.seq}: the file is not there` };
    }
    return { kind: 'unreadable', ...place, detail: `seq ${row.seq}: ${messageOf(error)}` };
  }
  const sha256 = hash.digest('hex');
  if (sha256 === row.sha256) return undefined;
  return { kind: 'changed', ...place, detail: `seq ${row.seq}: its SHA-256 is ${sha256}, in its row ${row.sha256}` };
}
