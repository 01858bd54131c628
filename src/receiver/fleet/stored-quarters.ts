// What one host stored in the last 24 hours, by quarter of an hour: enough for a day's sum and its strip, in a hundred numbers.

import type { SequencedRow } from '../../protocol/ledger-row.ts';

const QUARTER_MS = 15 * 60_000;
const QUARTERS = 96;

export class StoredQuarters {
  readonly #quarters = new Map<number, { episodes: number; sizeBytes: number }>();

  /** `now`: the wall time. A row whose time does not parse, or lies outside of the day, is left aside. */
  add({ received_at_wall, bytes }: Pick<SequencedRow, 'received_at_wall' | 'bytes'>, now: string): void {
    const quarter = quarterOf(received_at_wall);
    const current = quarterOf(now);
    if (!(quarter > current - QUARTERS)) return;
    const found = this.#quarters.get(quarter) ?? { episodes: 0, sizeBytes: 0 };
    found.episodes += 1;
    found.sizeBytes += bytes;
    this.#quarters.set(quarter, found);
    for (const old of this.#quarters.keys()) if (old <= current - QUARTERS) this.#quarters.delete(old);
  }

  /** This quarter of an hour and the 95 before it. */
  sum(now: string): { episodes: number; sizeBytes: number } {
    const current = quarterOf(now);
    const total = { episodes: 0, sizeBytes: 0 };
    for (const [quarter, { episodes, sizeBytes }] of this.#quarters) {
      if (quarter <= current - QUARTERS || quarter > current) continue;
      total.episodes += episodes;
      total.sizeBytes += sizeBytes;
    }
    return total;
  }
}

/** NaN for what is no time. */
function quarterOf(wallTime: string): number {
  return Math.floor(Date.parse(wallTime) / QUARTER_MS);
}
