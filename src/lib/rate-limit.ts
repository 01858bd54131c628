// So many bytes a second on the average since the last pause, by the monotonic clock. What was not used is not saved up.

import type { Clock } from './clock.ts';

const LONGEST_WAIT_MS = 1_000;

export class RateLimit {
  readonly #bytesPerS: number;
  readonly #clock: Clock;
  #freeAtMs = 0;

  /** `Infinity` is no limit. */
  constructor(bytesPerS: number, clock: Clock) {
    this.#bytesPerS = bytesPerS;
    this.#clock = clock;
  }

  /** Call it after each piece. Resolves when the next one may come, or when `signal` aborts; `whileWaiting` is called every second meanwhile. */
  async used(bytes: number, signal: AbortSignal, whileWaiting?: () => Promise<void>): Promise<void> {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.monotonicMs()) + (bytes / this.#bytesPerS) * 1000;
    for (;;) {
      const waitMs = this.#freeAtMs - this.#clock.monotonicMs();
      if (waitMs <= 0 || signal.aborted) return;
      await this.#clock.sleep(Math.min(waitMs, LONGEST_WAIT_MS), signal);
      await whileWaiting?.();
    }
  }
}
