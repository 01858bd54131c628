// How much of a stored episode is looked at for a page: its content is its recorder's, and may be made to take for ever.

import type { Readable } from 'node:stream';
import { type PackedFile, walkPacked } from './walk-packed.ts';

const MOST_BYTES = 256 * 1024 ** 2;
// Twice the files that a page lists: directories count, too.
const MOST_ENTRIES = 2_000;
const MOST_MS = 10_000;

export interface InspectLimits {
  /** That come out of the tarball. */
  mostBytes?: number;
  /** Files, directories and whatever else is listed. */
  mostEntries?: number;
  /** That are listed. */
  mostFiles?: number;
  /** A larger meta.json is not read. */
  mostMetaBytes?: number;
  /** Of a path, the characters that are told. */
  longestPath?: number;
  /** Aborts when it has taken too long, or nobody waits for it any more. */
  signal?: AbortSignal;
}

/** As `walkPacked`. Throws its errors, and the signal's reason. */
export async function* walkWithinLimits(tarball: Readable, limits: InspectLimits): AsyncGenerator<PackedFile> {
  const { mostBytes = MOST_BYTES, mostEntries = MOST_ENTRIES, signal = AbortSignal.timeout(MOST_MS) } = limits;
  const stop = () => tarball.destroy(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* walkPacked(tarball, { mostBytes, mostEntries, signal });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
