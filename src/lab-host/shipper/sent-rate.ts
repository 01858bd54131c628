// Bytes of bodies a second over the last minute, for people.

import type { Clock } from '../../lib/clock.ts';

const WINDOW_S = 60;

export class SentRate {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  /** Second → bytes. */
  readonly #seconds = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  sent(bytes: number): void {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    this.#seconds.set(second, (this.#seconds.get(second) ?? 0) + bytes);
    for (const old of this.#seconds.keys()) if (old <= second - WINDOW_S) this.#seconds.delete(old);
  }

  bytesPerS(): number {
    const nowMs = this.#clock.monotonicMs();
    const since = Math.floor(nowMs / 1000) - WINDOW_S;
    let sum = 0;
    for (const [second, bytes] of this.#seconds) if (second > since) sum += bytes;
    const spanS = Math.min(WINDOW_S, Math.max(1, (nowMs - this.#startedAtMs) / 1000));
    return Math.round(sum / spanS);
  }
}
