// Counts each answered attempt by host, minute and outcome: in memory for the views, and once a second into the store.
// A crash may lose the last second's counts, never an episode.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { AttemptIncrement, Attempts } from '../../storage/attempts.ts';
import type { LiveEvents } from '../events/live-events.ts';
import { AttemptDay, type RefusedDay } from './attempt-day.ts';
import { outcomeKindOf } from './outcome-kind.ts';

const FLUSH_EVERY_MS = 1_000;
/** How far back the views may look, in minutes. */
const RECENT_MINUTES = 60;
const DAY_MINUTES = 24 * 60;
const KEPT_DAYS = 7;
const FORGET_EVERY_MS = 3_600_000;
const SUMS_KEPT_MS = 1_000;

/** Of one host: how often each outcome was answered. */
export type Outcomes = Record<string, number>;

/** By host, of outcomes that stored nothing; hosts with none are left out. */
interface RefusedSums {
  /** The last 60 minutes. */
  hour: ReadonlyMap<string, Outcomes>;
  /** This quarter of an hour and the 95 before it. */
  day: ReadonlyMap<string, Outcomes>;
}

interface RecentMinute {
  /** On the monotonic clock: wall time may step by years, and what is old must not depend on it. */
  countedAtMs: number;
  hosts: Map<string, Map<string, number>>;
}

export class AttemptCounter {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #live: Pick<LiveEvents, 'hostChanged'> | undefined;
  readonly #recent = new Map<string, RecentMinute>();
  readonly #day = new AttemptDay();
  readonly #unwritten = new Map<string, { increment: AttemptIncrement; countedAtMs: number }>();
  /** Undefined once something was refused since: whoever is told of it and looks must see it. */
  #refusedSums: { madeAtMs: number; sums: RefusedSums } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failing = false;
  /** The least that wall time was seen ahead of monotonic time: a clock that was right once gives no time of the future by it. */
  #leastAheadMs = Number.POSITIVE_INFINITY;

  /** `live` is told of each attempt that did not store: of what is stored the ledger tells. */
  constructor(attempts: Attempts, clock: Clock, logger: Logger, live?: Pick<LiveEvents, 'hostChanged'>) {
    this.#live = live;
    this.#attempts = attempts;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `outcome`: `stored`, `duplicate`, or the problem code that was answered. */
  count(hostId: string, outcome: string): void {
    const increment = { hostId, minute: minuteOf(this.#clock.wallTime()), outcome, count: 1 };
    const countedAtMs = this.#clock.monotonicMs();
    this.#remember(increment, countedAtMs);
    this.#addUnwritten(increment, countedAtMs);
    if (outcome !== 'stored') this.#live?.hostChanged(hostId);
  }

  /** Outcomes of the last `minutes`, at most RECENT_MINUTES, by host. */
  recent(minutes: number): Map<string, Outcomes> {
    return this.#recentSums(minutes, () => true);
  }

  #recentSums(minutes: number, isAsked: (outcome: string) => boolean): Map<string, Outcomes> {
    const now = this.#clock.wallTime();
    const [since, until] = [minuteOf(now, minutes), minuteOf(now)];
    const byHost = new Map<string, Outcomes>();
    for (const [minute, { hosts }] of this.#recent) {
      // Minutes of the future are those of a clock that has been set back since.
      if (minute <= since || minute > until) continue;
      for (const [hostId, outcomes] of hosts) {
        for (const [outcome, count] of outcomes) {
          if (!isAsked(outcome)) continue;
          const sum = byHost.getOrInsertComputed(hostId, () => ({}));
          sum[outcome] = (sum[outcome] ?? 0) + count;
        }
      }
    }
    return byHost;
  }

  /** What one host was answered in this quarter of an hour and the 95 before it, the oldest first. */
  day(hostId: string): Outcomes[] {
    return this.#day.of(hostId, this.#clock.wallTime());
  }

  /** The same quarters of all hosts at once, as numbers; hosts of which nothing but stored episodes and duplicates is known are left out. */
  refusedDay(): Map<string, RefusedDay> {
    return this.#day.refused(this.#clock.wallTime());
  }

  /** All hosts at once. The same for all who look within a second, unless something was refused meanwhile. */
  refusedSums(): RefusedSums {
    const nowMs = this.#clock.monotonicMs();
    if (this.#refusedSums && nowMs - this.#refusedSums.madeAtMs < SUMS_KEPT_MS) return this.#refusedSums.sums;
    const hour = this.#recentSums(RECENT_MINUTES, (outcome) => outcomeKindOf(outcome) !== 'stored');
    const sums = { hour, day: this.#day.refusedSums(this.#clock.wallTime()) };
    this.#refusedSums = { madeAtMs: nowMs, sums };
    return sums;
  }

  /** Writes once a second until `stop`; what is left then is written by `close`. */
  async run(stop: AbortSignal): Promise<void> {
    const started = { wall: this.#clock.wallTime(), ms: this.#clock.monotonicMs() };
    const read = (minutes: { first: number; last: number }) =>
      this.#readBefore(started, minutes, stop).catch((error: unknown) => {
        this.#logger.warn(
          { err: error },
          'attempt counts of before could not be read; the views begin with those from now on',
        );
      });
    // Before the first write: what was counted meanwhile is not read again.
    await read({ first: 0, last: RECENT_MINUTES });
    const reading = read({ first: RECENT_MINUTES + 1, last: DAY_MINUTES });
    await this.#keepWriting(stop);
    await reading;
  }

  async #keepWriting(stop: AbortSignal): Promise<void> {
    // A clock that is wrong at the start is mostly set within the first hour.
    let lookedAtMs = this.#clock.monotonicMs();
    while (!stop.aborted) {
      await this.#clock.sleep(FLUSH_EVERY_MS, stop);
      if (stop.aborted) return;
      await this.#flush();
      const oldest = this.#oldestKept();
      if (this.#clock.monotonicMs() - lookedAtMs < FORGET_EVERY_MS) continue;
      lookedAtMs = this.#clock.monotonicMs();
      await this.#attempts.forgetBefore(oldest).catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'old attempt counts could not be dropped; tried again in an hour');
      });
    }
  }

  /** Writes what is left. To be called when nothing is counted any more. */
  async close(): Promise<void> {
    await this.#flush();
  }

  /** Counts of so many minutes before the start, the newest first. A minute at a time: of a thousand hosts each is some milliseconds. */
  async #readBefore(
    started: { wall: string; ms: number },
    { first, last }: { first: number; last: number },
    stop: AbortSignal,
  ): Promise<void> {
    for (let minutesBefore = first; minutesBefore <= last && !stop.aborted; minutesBefore += 1) {
      const minute = minuteOf(started.wall, minutesBefore);
      const counts = await this.#attempts.read({ fromMinute: minute, toMinute: minute });
      const countedAtMs = started.ms - (Date.parse(started.wall) - Date.parse(`${minute}Z`));
      for (const count of counts) this.#remember(count, countedAtMs);
      await yieldToOthers();
    }
  }

  /** By the least wall time that could be right: a clock that jumps ahead, for however long, makes nothing old. */
  #oldestKept(): string {
    const nowMs = this.#clock.monotonicMs();
    this.#leastAheadMs = Math.min(this.#leastAheadMs, Date.parse(this.#clock.wallTime()) - nowMs);
    const leastWall = new Date(this.#leastAheadMs + nowMs).toISOString();
    return minuteOf(leastWall, KEPT_DAYS * 24 * 60);
  }

  #remember(increment: AttemptIncrement, countedAtMs: number): void {
    const { hostId, minute, outcome, count } = increment;
    const nowMs = this.#clock.monotonicMs();
    this.#day.add(increment, countedAtMs, nowMs);
    if (outcomeKindOf(outcome) !== 'stored') this.#refusedSums = undefined;
    if (countedAtMs < nowMs - (RECENT_MINUTES + 1) * 60_000) return;
    if (!this.#recent.has(minute)) this.#dropOld();
    const recent = this.#recent.getOrInsertComputed(minute, () => ({ countedAtMs, hosts: new Map() }));
    recent.countedAtMs = Math.max(recent.countedAtMs, countedAtMs);
    const outcomes = recent.hosts.getOrInsertComputed(hostId, () => new Map());
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
  }

  #addUnwritten(increment: AttemptIncrement, countedAtMs: number): void {
    const key = `${increment.minute} ${increment.hostId} ${increment.outcome}`;
    const waiting = this.#unwritten.get(key);
    if (waiting) waiting.increment.count += increment.count;
    else this.#unwritten.set(key, { increment: { ...increment }, countedAtMs });
  }

  #dropOld(): void {
    const oldestMs = this.#clock.monotonicMs() - (RECENT_MINUTES + 1) * 60_000;
    for (const map of [this.#recent, this.#unwritten]) {
      for (const [key, { countedAtMs }] of map) if (countedAtMs < oldestMs) map.delete(key);
    }
  }

  /** One after the other, so that the last one has what those before could not write. */
  async #flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    const waiting = [...this.#unwritten.values()];
    if (waiting.length === 0) return;
    this.#unwritten.clear();
    if (await this.#tryAdd(waiting.map(({ increment }) => increment))) return;
    for (const { increment, countedAtMs } of waiting) this.#addUnwritten(increment, countedAtMs);
  }

  /** Counts are expendable: a failure to write them is told once and stops nothing. */
  async #tryAdd(increments: readonly AttemptIncrement[]): Promise<boolean> {
    try {
      await this.#attempts.add(increments);
      if (this.#failing) this.#logger.info('attempt counts are written again');
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing)
        this.#logger.warn({ err: error }, 'attempt counts could not be written; tried again each second');
      this.#failing = true;
      return false;
    }
  }
}

/** `YYYY-MM-DDTHH:MM`, so many minutes before a wall time. */
function minuteOf(wallTime: string, minutesBefore = 0): string {
  if (minutesBefore === 0) return wallTime.slice(0, 16);
  return Temporal.Instant.from(wallTime).subtract({ minutes: minutesBefore }).toString().slice(0, 16);
}
