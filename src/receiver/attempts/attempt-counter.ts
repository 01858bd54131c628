// Counts each answered attempt by host, minute and outcome: in memory for the views, and once a second into the store.
// A crash may lose the last second's counts, never an episode.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { AttemptIncrement, Attempts } from '../../storage/attempts.ts';

const FLUSH_EVERY_MS = 1_000;
/** How far back the views may look, in minutes. */
const RECENT_MINUTES = 60;
const KEPT_DAYS = 7;
const FORGET_EVERY_MS = 3_600_000;

/** Of one host: how often each outcome was answered. */
export type Outcomes = Record<string, number>;

interface RecentMinute {
  /** On the monotonic clock: wall time may step by years, and what is old must not depend on it. */
  countedAtMs: number;
  hosts: Map<string, Map<string, number>>;
}

export class AttemptCounter {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #recent = new Map<string, RecentMinute>();
  readonly #unwritten = new Map<string, { increment: AttemptIncrement; countedAtMs: number }>();
  #writing: Promise<void> = Promise.resolve();
  #failing = false;
  /** The least that wall time was seen ahead of monotonic time: a clock that was right once gives no time of the future by it. */
  #leastAheadMs = Number.POSITIVE_INFINITY;

  constructor(attempts: Attempts, clock: Clock, logger: Logger) {
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
  }

  /** Outcomes of the last `minutes`, at most RECENT_MINUTES, by host. */
  recent(minutes: number): Map<string, Outcomes> {
    const now = this.#clock.wallTime();
    const [since, until] = [minuteOf(now, minutes), minuteOf(now)];
    const byHost = new Map<string, Outcomes>();
    for (const [minute, { hosts }] of this.#recent) {
      // Minutes of the future are those of a clock that has been set back since.
      if (minute <= since || minute > until) continue;
      for (const [hostId, outcomes] of hosts) {
        const sum = byHost.get(hostId) ?? {};
        for (const [outcome, count] of outcomes) sum[outcome] = (sum[outcome] ?? 0) + count;
        byHost.set(hostId, sum);
      }
    }
    return byHost;
  }

  /** Writes once a second until `stop`; what is left then is written by `close`. */
  async run(stop: AbortSignal): Promise<void> {
    await this.#readRecent().catch((error: unknown) => {
      this.#logger.warn(
        { err: error },
        'attempt counts of before could not be read; the views begin with those from now on',
      );
    });
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

  async #readRecent(): Promise<void> {
    const now = this.#clock.wallTime();
    const nowMs = this.#clock.monotonicMs();
    const before = await this.#attempts.read({ fromMinute: minuteOf(now, RECENT_MINUTES), toMinute: minuteOf(now) });
    for (const count of before) this.#remember(count, nowMs - (Date.parse(now) - Date.parse(`${count.minute}Z`)));
  }

  /** By the least wall time that could be right: a clock that jumps ahead, for however long, makes nothing old. */
  #oldestKept(): string {
    const nowMs = this.#clock.monotonicMs();
    this.#leastAheadMs = Math.min(this.#leastAheadMs, Date.parse(this.#clock.wallTime()) - nowMs);
    const leastWall = new Date(this.#leastAheadMs + nowMs).toISOString();
    return minuteOf(leastWall, KEPT_DAYS * 24 * 60);
  }

  #remember({ hostId, minute, outcome, count }: AttemptIncrement, countedAtMs: number): void {
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
