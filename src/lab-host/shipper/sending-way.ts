// Which way an episode goes, the one place that decides it: by a resumable upload if it is large, or if a PUT of it was cut off on the way
// before; by PUT if it is small, and to a receiver that serves no uploads or that none get through to.

import type { Clock } from '../../lib/clock.ts';
import type { PackedEpisode } from './pack-episode.ts';

// An upload costs two more requests: what is sent in an instant is sent again in an instant.
const NEVER_BELOW_BYTES = 1024 * 1024;
/** A receiver that serves no uploads may be a newer one an hour later. */
const ASK_AGAIN_MS = 60 * 60_000;

/** What stands before the receiver may refuse the parts of an upload, and let a PUT through. */
const MOST_ODD_IN_A_ROW = 3;

export class SendingWay {
  readonly #aboveBytes: () => number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #cutOff = new Set<string>();
  #unusableUntilMs = Number.NEGATIVE_INFINITY;
  #oddInARow = 0;

  constructor(aboveBytes: () => number, clock: Pick<Clock, 'monotonicMs'>) {
    this.#aboveBytes = aboveBytes;
    this.#clock = clock;
  }

  isResumable({ episodeId, sizeBytes }: PackedEpisode): boolean {
    if (this.#clock.monotonicMs() < this.#unusableUntilMs) return false;
    return sizeBytes > this.#aboveBytes() || (sizeBytes > NEVER_BELOW_BYTES && this.#cutOff.has(episodeId));
  }

  /** The receiver serves no uploads, or none get through to it. */
  unusable(): void {
    this.#unusableUntilMs = this.#clock.monotonicMs() + ASK_AGAIN_MS;
  }

  /** An upload came to nothing that is known. True when that is so again and again: it is to go by PUT. */
  odd(): boolean {
    this.#oddInARow += 1;
    return this.#oddInARow >= MOST_ODD_IN_A_ROW;
  }

  /** An upload came to something that is known; a PUT in between says nothing of that. */
  understood(): void {
    this.#oddInARow = 0;
  }

  /** A PUT of it had begun and came to no answer. */
  cutOff({ episodeId }: PackedEpisode): void {
    this.#cutOff.add(episodeId);
  }

  answered({ episodeId }: PackedEpisode): void {
    this.#cutOff.delete(episodeId);
  }
}
