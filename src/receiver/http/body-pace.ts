// Tells a slow body from a stalled one. There is no limit on a whole request's time: a body may take days, as long as it moves.
// Only the time that is spent waiting for the client counts, never our own disk's.

export interface PaceLimits {
  /** How long is looked back at. */
  windowMs: number;
  /** The least that must come in each window. */
  leastBytes: number;
}

// 128 bytes a second: far below the worst link that still ships anything, far above what a stalled or hostile one sends.
export const BODY_PACE: PaceLimits = { windowMs: 60_000, leastBytes: 60 * 128 };

export class BodyPace {
  readonly #limits: PaceLimits;
  readonly #nowMs: () => number;
  #waitingSinceMs: number | undefined;
  #waitedMs = 0;
  #windowBytes = 0;

  constructor(limits: PaceLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** The next bytes are the client's to send. */
  waits(): void {
    this.#waitingSinceMs = this.#nowMs();
  }

  arrived(bytes: number): void {
    this.#count();
    this.#waitingSinceMs = undefined;
    this.#windowBytes += bytes;
  }

  /** True when a whole window of waiting has brought too little. Begins the next window when it is full. */
  isTooSlow(): boolean {
    this.#count();
    if (this.#waitedMs < this.#limits.windowMs) return false;
    const tooSlow = this.#windowBytes < this.#limits.leastBytes;
    this.#waitedMs = 0;
    this.#windowBytes = 0;
    return tooSlow;
  }

  #count(): void {
    if (this.#waitingSinceMs === undefined) return;
    const nowMs = this.#nowMs();
    this.#waitedMs += nowMs - this.#waitingSinceMs;
    this.#waitingSinceMs = nowMs;
  }
}
