// What goes on beside the queue, whatever state it is in: the disk's reserve at each look, deleting by age now and then, and the note of how long the shipper has run. A failure of one is told and stops nothing.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CleanUp } from './clean-up.ts';
import type { Uptime } from './uptime.ts';
import type { Watermark } from './watermark.ts';

const SAVE_UPTIME_EVERY_MS = 600_000;

export interface UpkeepDependencies {
  watermark: Watermark;
  cleanUp: CleanUp;
  cleanUpEveryMs: () => number;
  /** Runs it while no command takes episodes out of quarantine/ or shipped/. */
  locked: (work: () => Promise<void>) => Promise<void>;
  uptime: Uptime;
  clock: Clock;
  logger: Logger;
}

export class Upkeep {
  readonly #dependencies: UpkeepDependencies;
  readonly #doneAtMs = new Map<string, number>();

  constructor(dependencies: UpkeepDependencies) {
    this.#dependencies = dependencies;
  }

  /** Does what is due. */
  async run(stop: AbortSignal): Promise<void> {
    const { watermark, cleanUp, cleanUpEveryMs, locked, uptime } = this.#dependencies;
    await this.#attempt('the reserve of the disk could not be kept', () => locked(() => watermark.keep()));
    await this.#every('clean-up', cleanUpEveryMs(), 'nothing could be deleted by age', () =>
      locked(() => cleanUp.run(stop)),
    );
    await this.#every('uptime', SAVE_UPTIME_EVERY_MS, 'shipper-uptime.json could not be written', () => uptime.save());
  }

  async #every(task: string, everyMs: number, failure: string, work: () => Promise<void>): Promise<void> {
    const nowMs = this.#dependencies.clock.monotonicMs();
    const doneAtMs = this.#doneAtMs.get(task);
    if (doneAtMs !== undefined && nowMs - doneAtMs < everyMs) return;
    this.#doneAtMs.set(task, nowMs);
    await this.#attempt(failure, work);
  }

  async #attempt(failure: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#dependencies.logger.warn({ err: error }, `${failure}; it is tried again`);
    }
  }
}
