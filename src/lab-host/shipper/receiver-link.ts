// When the receiver may be tried: at once while it answers, later and later while it fails, once a minute while everything is held.

import type { Clock } from '../../lib/clock.ts';

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MOST_MS = 5 * 60_000;
// A broken proxy that asks for a year must not silence a host for good.
const ASKED_MOST_MS = 60 * 60_000;
const PROBE_EVERY_MS = 60_000;
const HOPELESS_FAILURES = 3;

export type Trouble =
  | { kind: 'transient'; code: string; failures: number; nextTryAtMs: number }
  | { kind: 'held'; code: string; nextTryAtMs: number };

/** `probe`: the one attempt that is made while there is trouble. */
export type Admission = 'free' | 'probe';

export class ReceiverLink {
  readonly #clock: Clock;
  readonly #random: () => number;
  #trouble: Trouble | undefined;
  #isProbing = false;
  /** Those who wait: who waits longest makes the next attempt, so that each episode has its turn. */
  readonly #line = new Set<symbol>();
  #wake = Promise.withResolvers<void>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** It is plain that the receiver takes nothing now. */
  get isHopeless(): boolean {
    if (!this.#trouble) return false;
    return this.#trouble.kind === 'held' || this.#trouble.failures >= HOPELESS_FAILURES;
  }

  /**
   * Waits until one attempt may be made; undefined when `stop` came first. In trouble one attempt at a time is let through. An `impatient`
   * caller never waits: it is let through until there is no hope.
   */
  async admit(stop: AbortSignal, patience: 'patient' | 'impatient'): Promise<Admission | undefined> {
    if (patience === 'impatient') return stop.aborted || this.isHopeless ? undefined : 'free';
    const ticket = Symbol('ticket');
    this.#line.add(ticket);
    try {
      while (!stop.aborted) {
        if (!this.#trouble) return 'free';
        const isNext = this.#line.values().next().value === ticket;
        const waitMs = this.#trouble.nextTryAtMs - this.#clock.monotonicMs();
        if (waitMs <= 0 && !this.#isProbing && isNext) {
          this.#isProbing = true;
          return 'probe';
        }
        const settled = new AbortController();
        const wake = this.#wake.promise.then(() => settled.abort());
        // While another attempt is under way, or another is to make the next one, only the end of that is news.
        const sleepMs = this.#isProbing || !isNext ? PROBE_EVERY_MS : waitMs;
        await Promise.race([wake, this.#clock.sleep(sleepMs, AbortSignal.any([stop, settled.signal]))]);
      }
      return undefined;
    } finally {
      this.#line.delete(ticket);
      // Whoever is next in line now has to know it.
      this.#wakeAll();
    }
  }

  /** The receiver gave a verdict on an episode: it works. */
  succeeded(): void {
    this.#trouble = undefined;
  }

  /**
   * The attempt before this one failed, and brought its part: that was no failure in a row. The one that is under way is judged by itself, and
   * when it fails too the next comes after the first step.
   */
  movedOn(): void {
    if (this.#trouble?.kind === 'transient') this.#trouble = { ...this.#trouble, failures: 0 };
  }

  /** Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): a fleet that failed together comes back apart. */
  failed(code: string, retryAfterS: number | undefined): void {
    const failures = (this.#trouble?.kind === 'transient' ? this.#trouble.failures : 0) + 1;
    const ceilingMs = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
    const askedMs = Math.min((retryAfterS ?? 0) * 1_000, ASKED_MOST_MS);
    const delayMs = askedMs + this.#random() * ceilingMs;
    this.#trouble = { kind: 'transient', code, failures, nextTryAtMs: this.#clock.monotonicMs() + delayMs };
  }

  /** True when this is news. */
  held(code: string): boolean {
    const isNews = this.#trouble?.kind !== 'held' || this.#trouble.code !== code;
    this.#trouble = { kind: 'held', code, nextTryAtMs: this.#clock.monotonicMs() + PROBE_EVERY_MS };
    return isNews;
  }

  /** The attempt that was let through is over, whether or not it came to a verdict: whoever waits looks again. */
  ended(admission: Admission): void {
    if (admission === 'probe') this.#isProbing = false;
    this.#wakeAll();
  }

  #wakeAll(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}
