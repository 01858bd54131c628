// What the gate has refused once it need not be sent again and again: other episodes of the same code go to quarantine without a PUT
// each, as long as the gate, asked once a minute, says that it would refuse them.

import type { Clock } from '../../lib/clock.ts';
import type { Refused } from '../transport/classify-answer.ts';
import { askGate, type GateAnswer, type Stamp, stampKey } from './gate-query.ts';
import type { Transport } from './put-episode.ts';

const CONFIRMED_FOR_MS = 60_000;
// An older receiver does not learn to answer from one minute to the next.
const ABSENT_FOR_MS = 3_600_000;

export class GateMemory {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #refused = new Map<string, { answer: Promise<GateAnswer> | undefined; untilMs: number }>();
  #absentUntilMs = Number.NEGATIVE_INFINITY;
  #historyBytes = 0;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** A PUT of such an episode was refused by the gate. */
  refused(stamp: Stamp): void {
    const key = stampKey(stamp);
    if (!this.#refused.has(key)) this.#refused.set(key, { answer: undefined, untilMs: Number.NEGATIVE_INFINITY });
  }

  /**
   * `historyBytes`: the length of queue-history.jsonl. When it has grown, episodes have come back from quarantine: the gate may have been
   * put right since it was asked, so that each code is asked about anew.
   */
  returnsSoFar(historyBytes: number): void {
    if (historyBytes === this.#historyBytes) return;
    this.#historyBytes = historyBytes;
    for (const known of this.#refused.values()) known.answer = undefined;
  }

  /** Why such an episode would be refused now; undefined when it has to be sent to know. */
  async refusalOf(stamp: Stamp, stop: AbortSignal): Promise<Refused | undefined> {
    const key = stampKey(stamp);
    const known = this.#refused.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (!known || nowMs < this.#absentUntilMs) return undefined;
    if (!known.answer || nowMs >= known.untilMs) {
      known.answer = askGate(this.#transport, stamp, stop);
      known.untilMs = nowMs + CONFIRMED_FOR_MS;
    }
    const answer = await known.answer;
    if (answer.kind === 'refused') return answer;
    if (answer.kind === 'absent') this.#absentUntilMs = this.#clock.monotonicMs() + ABSENT_FOR_MS;
    // Whatever else it said, this code is refused no more for sure: the next PUT tells.
    this.#refused.delete(key);
    return undefined;
  }
}
