// Episodes that wait alone because nothing can be written into them: a read-only directory, an immutable one, a read-only mount. Others go
// on. What the receiver has said of one is kept meanwhile, so that what it has is not sent to it at each pass.

import type { Clock } from '../../lib/clock.ts';
import type { Verdict } from '../transport/classify-answer.ts';
import type { PackedEpisode } from './pack-episode.ts';

export type Taken = Extract<Verdict, { kind: 'shipped' | 'duplicate' }>;

const TRY_AGAIN_MS = 10 * 60_000;

export class HeldBack {
  readonly #clock: Clock;
  /** Until when. */
  readonly #resting = new Map<string, number>();
  readonly #taken = new Map<string, { sha256: string; verdict: Taken }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nothing is done with it for ten minutes. True when this is news. */
  rest(episodeId: string): boolean {
    const isNews = !this.#resting.has(episodeId);
    this.#resting.set(episodeId, this.#clock.monotonicMs() + TRY_AGAIN_MS);
    return isNews;
  }

  isResting(episodeId: string): boolean {
    return this.#clock.monotonicMs() < (this.#resting.get(episodeId) ?? Number.NEGATIVE_INFINITY);
  }

  /** The receiver has it, and its receipt could not be written. */
  taken({ episodeId, sha256 }: PackedEpisode, verdict: Taken): void {
    this.#taken.set(episodeId, { sha256, verdict });
  }

  isTaken(episodeId: string): boolean {
    return this.#taken.has(episodeId);
  }

  /** What the receiver has said of these very bytes: another episode under the same name has to be sent. */
  answerTo({ episodeId, sha256 }: PackedEpisode): Taken | undefined {
    const known = this.#taken.get(episodeId);
    return known?.sha256 === sha256 ? known.verdict : undefined;
  }

  forget(episodeId: string): void {
    this.#resting.delete(episodeId);
    this.#taken.delete(episodeId);
  }

  /** Forgets those that somebody has moved away. */
  keepOnly(waiting: ReadonlySet<string>): void {
    for (const episodeId of [...this.#resting.keys(), ...this.#taken.keys()]) {
      if (!waiting.has(episodeId)) this.forget(episodeId);
    }
  }
}
