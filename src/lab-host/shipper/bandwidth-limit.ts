// So many bytes a second over all bodies together: each piece has its turn in the order of asking, and what was not used is not saved up.

import { type Clock, sleepUntil } from '../../lib/clock.ts';

const PIECES_PER_S = 10;

export class BandwidthLimit {
  readonly #bytesPerS: number;
  readonly #clock: Clock;
  #nextTurnMs = Number.NEGATIVE_INFINITY;
  /** The most to ask for at once: small enough that the line sees a stream and not bursts. */
  readonly pieceBytes: number;

  constructor(bytesPerS: number, clock: Clock) {
    this.#bytesPerS = bytesPerS;
    this.#clock = clock;
    this.pieceBytes = Math.max(1, Math.floor(bytesPerS / PIECES_PER_S));
  }

  /** Call it before each piece. Resolves when it may go, or when `stop` aborts. */
  async take(bytes: number, stop: AbortSignal): Promise<void> {
    const turnMs = Math.max(this.#nextTurnMs, this.#clock.monotonicMs());
    this.#nextTurnMs = turnMs + (bytes / this.#bytesPerS) * 1000;
    await sleepUntil(this.#clock, turnMs, stop);
  }
}
