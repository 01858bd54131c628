// How much of a body gathers in memory before it is written: large pieces while few bodies come in, small ones while many do.

// Large enough that a write's own cost does not show, and all that gather at once small enough to be held.
const MOST_PIECE_BYTES = 512 * 1024;
const LEAST_PIECE_BYTES = 64 * 1024;
const GATHERED_BYTES = 4 * 1024 * 1024;

export class PieceSize {
  /** Bodies whose bytes are still coming in. */
  readonly #gathering = new Set<object>();

  join(body: object): void {
    this.#gathering.add(body);
  }

  /** Safe to call more than once. */
  leave(body: object): void {
    this.#gathering.delete(body);
  }

  get bytes(): number {
    return Math.max(LEAST_PIECE_BYTES, Math.min(MOST_PIECE_BYTES, GATHERED_BYTES / this.#gathering.size));
  }
}
