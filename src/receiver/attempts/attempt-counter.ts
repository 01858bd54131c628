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

export class AttemptCounter {
  readonly #attempts: Attempts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Minute → host → outcome → count, of the recent minutes. */
  readonly #recent = new Map<string, Map<string, Map<string, number>>>();
  readonly #unwritten = new Map<string, AttemptIncrement>();
  #failing = false;

  constructor(attempts: Attempts, clock: Clock, logger: Logger) {
    this.#attempts = attempts;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `outcome`: `stored`, `duplicate`, or the problem code that was answered. */
  count(hostId: string, outcome: string): void {
    const minute = minuteOf(this.#clock.wallTime());
    this.#remember({ hostId, minute, outcome, count: 1 });
    const key = `${minute} ${hostId} ${outcome}`;
    const waiting = this.#unwritten.get(key);
    if (waiting) waiting.count += 1;
    else this.#unwritten.set(key, { hostId, minute, outcome, count: 1 });
  }

  /** Outcomes of the last `minutes`, at most RECENT_MINUTES, by host. */
  recent(minutes: number): Map<string, Outcomes> {
    const since = minuteOf(this.#clock.wallTime(), minutes);
    const byHost = new Map<string, Outcomes>();
    for (const [minute, hosts] of this.#recent) {
      if (minute <= since) continue;
      for (const [hostId, outcomes] of hosts) {
        const sum = byHost.get(hostId) ?? {};
        for (const [outcome, count] of outcomes) sum[outcome] = (sum[outcome] ?? 0) + count;
        byHost.set(hostId, sum);
      }
    }
    return byHost;
  }

  /** Writes once a second until `stop`, and what is left then. */
  async run(stop: AbortSignal): Promise<void> {
    const now = this.#clock.wallTime();
    const before = await this.#attempts.read({ fromMinute: minuteOf(now, RECENT_MINUTES), toMinute: minuteOf(now) });
    for (const count of before) this.#remember(count);
    let forgottenAtMs = Number.NEGATIVE_INFINITY;
    while (!stop.aborted) {
      await this.#clock.sleep(FLUSH_EVERY_MS, stop);
      await this.#flush();
      if (this.#clock.monotonicMs() - forgottenAtMs < FORGET_EVERY_MS) continue;
      forgottenAtMs = this.#clock.monotonicMs();
      const oldest = minuteOf(this.#clock.wallTime(), KEPT_DAYS * 24 * 60);
      await this.#attempts.forgetBefore(oldest).catch((error: unknown) => {
        this.#logger.warn({ err: error }, 'old attempt counts could not be dropped; tried again in an hour');
      });
    }
  }

  #remember({ hostId, minute, outcome, count }: AttemptIncrement): void {
    if (!this.#recent.has(minute)) this.#dropOld();
    const hosts = this.#recent.getOrInsertComputed(minute, () => new Map());
    const outcomes = hosts.getOrInsertComputed(hostId, () => new Map());
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
  }

  #dropOld(): void {
    const oldest = minuteOf(this.#clock.wallTime(), RECENT_MINUTES);
    for (const minute of this.#recent.keys()) if (minute < oldest) this.#recent.delete(minute);
    for (const [key, { minute }] of this.#unwritten) if (minute < oldest) this.#unwritten.delete(key);
  }

  async #flush(): Promise<void> {
    const increments = [...this.#unwritten.values()];
    if (increments.length === 0) return;
    this.#unwritten.clear();
    if (await this.#tryAdd(increments)) return;
    for (const increment of increments) {
      const key = `${increment.minute} ${increment.hostId} ${increment.outcome}`;
      const since = this.#unwritten.get(key);
      if (since) since.count += increment.count;
      else this.#unwritten.set(key, increment);
    }
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
