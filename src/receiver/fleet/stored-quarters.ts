// What one host stored in the last 24 hours, by quarter of an hour: enough for a day's sum and its strip, in a hundred numbers.

import type { SequencedRow } from '../../protocol/ledger-row.ts';
import { QUARTERS, quarterAt, quarterOf } from './day-quarters.ts';

export interface StoredQuarter {
  episodes: number;
  sizeBytes: number;
}

export class StoredQuarters {
  readonly #quarters = new Map<number, StoredQuarter>();
  /** Of the day that ends with this quarter: asked for far more often than something is stored. */
  #summed: { current: number; total: Readonly<StoredQuarter> } | undefined;
  #counted: { current: number; counts: Readonly<Uint32Array> } | undefined;

  /** `now`: the wall time. A row whose time does not parse, or lies outside of the day, is left aside. */
  add({ received_at_wall, bytes }: Pick<SequencedRow, 'received_at_wall' | 'bytes'>, now: string): void {
    this.#summed = undefined;
    this.#counted = undefined;
    const quarter = quarterOf(received_at_wall);
    const current = quarterOf(now);
    if (!(quarter > current - QUARTERS)) return;
    const found = this.#quarters.get(quarter) ?? { episodes: 0, sizeBytes: 0 };
    found.episodes += 1;
    found.sizeBytes += bytes;
    this.#quarters.set(quarter, found);
    for (const old of this.#quarters.keys()) if (old <= current - QUARTERS) this.#quarters.delete(old);
  }

  /** This quarter of an hour and the 95 before it, the oldest first. */
  series(now: string): StoredQuarter[] {
    const oldest = quarterOf(now) - QUARTERS + 1;
    return Array.from({ length: QUARTERS }, (_, index) => {
      const { episodes, sizeBytes } = this.#quarters.get(oldest + index) ?? { episodes: 0, sizeBytes: 0 };
      return { episodes, sizeBytes };
    });
  }

  /** Their episodes alone: a thousand strips are drawn of them at once. `nowMs`: the wall time, since 1970. */
  episodes(nowMs: number): Readonly<Uint32Array> {
    const current = quarterAt(nowMs);
    if (this.#counted?.current === current) return this.#counted.counts;
    const oldest = current - QUARTERS + 1;
    const counts = new Uint32Array(QUARTERS);
    for (const [quarter, { episodes }] of this.#quarters) {
      if (quarter >= oldest && quarter < oldest + QUARTERS) counts[quarter - oldest] = episodes;
    }
    this.#counted = { current, counts };
    return counts;
  }

  /** Of all of them. `nowMs`: the wall time, since 1970. */
  sum(nowMs: number): Readonly<StoredQuarter> {
    const current = quarterAt(nowMs);
    if (this.#summed?.current === current) return this.#summed.total;
    const total = { episodes: 0, sizeBytes: 0 };
    for (const [quarter, { episodes, sizeBytes }] of this.#quarters) {
      if (quarter <= current - QUARTERS || quarter > current) continue;
      total.episodes += episodes;
      total.sizeBytes += sizeBytes;
    }
    this.#summed = { current, total };
    return total;
  }
}
