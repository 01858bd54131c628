// Ten different episodes in a row refused for good with one code are more likely one mistake of the receiver's than ten of the
// episodes': from then on nothing goes to quarantine for it, until one episode is taken. A restart changes nothing of that.

import { isGateCode } from './gate-codes.ts';
import type { RefusalRow } from './refusals-in-a-row.ts';

const MOST_IN_A_ROW = 10;

export class RefusalBrake {
  #code: string | undefined;
  readonly #episodes: Set<string>;

  /** `before`: the row that stood when the shipper ended. */
  constructor(before?: RefusalRow) {
    this.#code = before?.code;
    this.#episodes = new Set(before?.episodeIds);
  }

  /**
   * Call with each refusal for good, before it is acted upon. True: it must not be. The gate's own refusals are exempt: a stale host
   * is refused thousands of times with good reason, and what they cost is asked for again every hour.
   */
  isTooMany(code: string, episodeId: string): boolean {
    if (isGateCode(code)) return false;
    if (code !== this.#code) this.#episodes.clear();
    this.#code = code;
    this.#episodes.add(episodeId);
    return this.#episodes.size >= MOST_IN_A_ROW;
  }

  /** An episode was taken: what comes is judged anew. */
  release(): void {
    this.#code = undefined;
    this.#episodes.clear();
  }
}
