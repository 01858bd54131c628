// How long an export waits for a receiver that does not answer: with growing, random pauses, as long as anything came in the last ten
// minutes. One that has never answered as a receiver does is not waited for: its address may be wrong.

import type { Clock } from '../../lib/clock.ts';

const GIVE_UP_AFTER_MS = 600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const MOST_ASKED_FOR_MS = 300_000;

export class Patience {
  readonly #clock: Clock;
  /** From 0 to below 1. */
  readonly #random: () => number;
  #progressAtMs: number | undefined;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Something good came. Cheap. */
  progressed(): void {
    this.#progressAtMs = this.#clock.monotonicMs();
  }

  /** It is a receiver, though nothing good came yet. Said again, it gives no more time. */
  begin(): void {
    this.#progressAtMs ??= this.#clock.monotonicMs();
  }

  get isExhausted(): boolean {
    return this.#progressAtMs === undefined || this.#clock.monotonicMs() - this.#progressAtMs > GIVE_UP_AFTER_MS;
  }

  /** `failures`: in a row, 1 or more. `askedForS`: the receiver's own word, 0 for none. Full jitter: many that wait do not come at once. */
  async pause(failures: number, askedForS: number, signal: AbortSignal): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
    const own = longest * this.#random();
    await this.#clock.sleep(Math.max(own, Math.min(askedForS * 1000, MOST_ASKED_FOR_MS)), signal);
  }
}
