// What a stored episode's file is now, and what is packed in it, for its page. Bounded: in bytes, in time, and in how many look at once.

import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import type { SequencedRow } from '../../../protocol/ledger-row.ts';
import type { BlobKey, BlobReader } from '../../../storage/blob-store.ts';
import { type InspectedEpisode, inspectEpisode } from '../../data-set/inspect-episode.ts';
import { isTelemetryFile, readTelemetry, type Telemetry } from '../../data-set/read-telemetry.ts';

const MOST_AT_ONCE = 4;
const MOST_HASHED_BYTES = 64 * 1024 ** 2;
const MOST_MS = 8_000;
const POINTS = 400;

/** `unhashed`: too large to be hashed for a page, or read too slowly. */
export type FileState = 'whole' | 'unhashed' | 'missing' | 'other-size' | 'damaged';

export interface EpisodeLook {
  file: FileState;
  /** Of the file that is there; null when there is none. */
  sizeBytes: number | null;
  /** Undefined where nothing of it can be looked at. */
  packed: InspectedEpisode | undefined;
  telemetry: Telemetry | undefined;
}

export class EpisodeLooker {
  readonly #blobs: Pick<BlobReader, 'stat' | 'read'>;
  readonly #timeLimit: () => AbortSignal;
  #looking = 0;

  /** `timeLimit`: begins that of one look. */
  constructor(blobs: Pick<BlobReader, 'stat' | 'read'>, timeLimit = () => AbortSignal.timeout(MOST_MS)) {
    this.#blobs = blobs;
    this.#timeLimit = timeLimit;
  }

  /** `left`: nobody waits for it any more. Throws what the port throws, and that signal's reason. */
  async look(row: SequencedRow, left: AbortSignal): Promise<EpisodeLook | 'busy'> {
    if (this.#looking >= MOST_AT_ONCE) return 'busy';
    this.#looking += 1;
    try {
      return await this.#look(row, left, this.#timeLimit());
    } finally {
      this.#looking -= 1;
    }
  }

  async #look(row: SequencedRow, left: AbortSignal, late: AbortSignal): Promise<EpisodeLook> {
    const signal = AbortSignal.any([left, late]);
    const key = { hostId: row.host_id, episodeId: row.episode_id };
    const nothing = { packed: undefined, telemetry: undefined };
    const sizeBytes = (await this.#blobs.stat(key))?.sizeBytes ?? null;
    if (sizeBytes === null) return { file: 'missing', sizeBytes, ...nothing };
    if (sizeBytes !== row.bytes) return { file: 'other-size', sizeBytes, ...nothing };
    const digest = sizeBytes <= MOST_HASHED_BYTES ? await this.#digest(key, signal) : undefined;
    left.throwIfAborted();
    if (digest !== undefined && digest !== row.sha256) return { file: 'damaged', sizeBytes, ...nothing };
    const packed = await inspectEpisode(await this.#blobs.read(key), { signal });
    const hasTelemetry = packed.files.some(({ path }) => isTelemetryFile(path));
    const telemetry = hasTelemetry ? await readTelemetry(await this.#blobs.read(key), POINTS, { signal }) : null;
    return { file: digest === undefined ? 'unhashed' : 'whole', sizeBytes, packed, telemetry: telemetry ?? undefined };
  }

  /** Undefined when the signal came first. */
  async #digest(key: BlobKey, signal: AbortSignal): Promise<string | undefined> {
    const hash = createHash('sha256');
    try {
      for await (const chunk of addAbortSignal(signal, await this.#blobs.read(key))) hash.update(chunk);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
    return hash.digest('hex');
  }
}
