// The real shipper on a clock that runs many times as fast, so that hours of its life pass in seconds; sockets and files keep to the true
// time. SIGUSR2 brings the clock back to the true pace. Arguments: configuration file, how many times as fast.

import { labHostConfigDefinition } from '../../src/lab-host/lab-host-config.ts';
import { runShipper } from '../../src/lab-host/shipper/app.ts';
import { type Clock, formatWallTime, systemClock } from '../../src/lib/clock.ts';
import { loadConfig } from '../../src/lib/config/load-config.ts';
import { plainLogger } from './plain-logger.ts';
import { PROJECT_ROOT } from './program.ts';

class HurriedClock implements Clock {
  readonly #startedAt = Temporal.Now.instant();
  readonly #startedAtMs = systemClock.monotonicMs();
  #pace: number;
  #passedMs = 0;
  #sinceMs = this.#startedAtMs;

  constructor(pace: number) {
    this.#pace = pace;
  }

  set pace(pace: number) {
    this.#passedMs = this.#elapsedMs();
    this.#sinceMs = systemClock.monotonicMs();
    this.#pace = pace;
  }

  wallTime(): string {
    return formatWallTime(this.#startedAt.add({ milliseconds: Math.round(this.#elapsedMs()) }));
  }

  monotonicMs(): number {
    return this.#startedAtMs + this.#elapsedMs();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms / this.#pace, signal);
  }

  #elapsedMs(): number {
    return this.#passedMs + (systemClock.monotonicMs() - this.#sinceMs) * this.#pace;
  }
}

const [configPath = '', times = '1'] = process.argv.slice(2);
const clock = new HurriedClock(Number(times));
process.on('SIGUSR2', () => {
  clock.pace = 1;
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runShipper({
  config: loadConfig(labHostConfigDefinition, configPath).config,
  installRoot: PROJECT_ROOT,
  once: false,
  stop: stop.signal,
  logger: plainLogger(clock),
  clock,
});
