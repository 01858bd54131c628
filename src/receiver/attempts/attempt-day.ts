// How often each outcome was answered to each host in the last 24 hours, by quarter of an hour. For a thousand hosts that is a few
// megabytes: one row of numbers for each quarter and outcome, with a place for each host.

import { QUARTER_MS, QUARTERS, quarterOf } from '../fleet/day-quarters.ts';
import { outcomeKindOf } from './outcome-kind.ts';

const DAY_MS = QUARTERS * QUARTER_MS;
// A client that makes up its names must not fill the memory.
const MOST_HOSTS = 4_000;
const FEWEST_PLACES = 64;

interface Quarter {
  /** On the monotonic clock: wall time may step by years, and what is old must not depend on it. */
  countedAtMs: number;
  /** By outcome; by the host's place within it. */
  counts: Map<string, Uint32Array>;
}

/** Both of 96 quarters, the oldest first. */
export interface RefusedDay {
  /** For a reason of the episode's or the host's. */
  refused: Uint32Array;
  /** Because the receiver could not take it then. */
  failed: Uint32Array;
}

export class AttemptDay {
  readonly #places = new Map<string, number>();
  readonly #quarters = new Map<number, Quarter>();

  /** `minute`: UTC, `YYYY-MM-DDTHH:MM`. Both other times are monotonic. */
  add(
    { hostId, minute, outcome, count }: { hostId: string; minute: string; outcome: string; count: number },
    countedAtMs: number,
    nowMs: number,
  ): void {
    const place = this.#placeOf(hostId);
    if (place === undefined) return;
    const number = quarterOf(`${minute}Z`);
    if (!this.#quarters.has(number)) this.#dropOld(nowMs);
    const quarter = this.#quarters.getOrInsertComputed(number, () => ({ countedAtMs, counts: new Map() }));
    quarter.countedAtMs = Math.max(quarter.countedAtMs, countedAtMs);
    let counts = quarter.counts.get(outcome);
    if (!counts || place >= counts.length) {
      counts = widened(counts, place);
      quarter.counts.set(outcome, counts);
    }
    counts[place] = (counts[place] ?? 0) + count;
  }

  /** What each of 96 quarters had, the oldest first. `now`: the wall time. */
  of(hostId: string, now: string): Record<string, number>[] {
    const place = this.#places.get(hostId) ?? Number.POSITIVE_INFINITY;
    return this.#day(now).map((quarter) => {
      const found: Record<string, number> = {};
      for (const [outcome, counts] of quarter?.counts ?? []) {
        const count = counts[place] ?? 0;
        if (count > 0) found[outcome] = count;
      }
      return found;
    });
  }

  /** Of all hosts that were not only stored from, at once. */
  refused(now: string): Map<string, RefusedDay> {
    const hostIds = [...this.#places.keys()];
    const found = new Map<string, RefusedDay>();
    for (const [index, quarter] of this.#day(now).entries()) {
      for (const [outcome, counts] of quarter?.counts ?? []) {
        const kind = outcomeKindOf(outcome);
        if (kind === 'stored') continue;
        // By index, as below: a day of a thousand hosts has a hundred thousand of them.
        for (let place = 0; place < counts.length; place += 1) {
          const count = counts[place] ?? 0;
          const hostId = hostIds[place];
          if (count === 0 || hostId === undefined) continue;
          const series = found.getOrInsertComputed(hostId, blankDay)[kind];
          series[index] = (series[index] ?? 0) + count;
        }
      }
    }
    return found;
  }

  /** The whole day of each host in sum, by outcome; hosts of which nothing but stored episodes and duplicates is known are left out. */
  refusedSums(now: string): Map<string, Record<string, number>> {
    const totals = new Map<string, Float64Array>();
    for (const quarter of this.#day(now)) {
      for (const [outcome, counts] of quarter?.counts ?? []) {
        if (outcomeKindOf(outcome) === 'stored') continue;
        addTo(
          totals.getOrInsertComputed(outcome, () => new Float64Array(this.#places.size)),
          counts,
        );
      }
    }
    const found = new Map<string, Record<string, number>>();
    for (const [hostId, place] of this.#places) {
      for (const [outcome, total] of totals) {
        const count = total[place] ?? 0;
        if (count > 0) found.getOrInsertComputed(hostId, () => ({}))[outcome] = count;
      }
    }
    return found;
  }

  /** Quarters of the future are those of a clock that has been set back since. */
  #day(now: string): (Quarter | undefined)[] {
    const oldest = quarterOf(now) - QUARTERS + 1;
    return Array.from({ length: QUARTERS }, (_, index) => this.#quarters.get(oldest + index));
  }

  #placeOf(hostId: string): number | undefined {
    if (this.#places.size >= MOST_HOSTS) return this.#places.get(hostId);
    return this.#places.getOrInsertComputed(hostId, () => this.#places.size);
  }

  #dropOld(nowMs: number): void {
    for (const [number, { countedAtMs }] of this.#quarters) {
      if (countedAtMs < nowMs - DAY_MS - QUARTER_MS) this.#quarters.delete(number);
    }
  }
}

/** Twice as wide as needed at most, so that hosts which come one by one do not copy it each time. */
function widened(counts: Uint32Array | undefined, place: number): Uint32Array {
  let length = counts?.length ?? FEWEST_PLACES;
  while (length <= place) length *= 2;
  const wider = new Uint32Array(length);
  if (counts) wider.set(counts);
  return wider;
}

/** By index: an iterator's pair for each host, outcome and quarter would cost more than all the rest. */
function addTo(total: Float64Array, counts: Uint32Array): void {
  for (let place = 0; place < total.length; place += 1) total[place] = (total[place] ?? 0) + (counts[place] ?? 0);
}

function blankDay(): RefusedDay {
  return { refused: new Uint32Array(QUARTERS), failed: new Uint32Array(QUARTERS) };
}
