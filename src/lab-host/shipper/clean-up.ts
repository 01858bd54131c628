// Deletes by age what has been settled: shipped episodes, and refused ones after a longer time. Old is only what both clocks call old: the
// wall clock, which may jump, and the time that this shipper has run since, which cannot.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, isMissing } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DataLayout } from '../data-layout.ts';
import { readSettledAt, type SettledAt } from './episode-notes.ts';
import { removeSettled } from './remove-settled.ts';
import type { Uptime } from './uptime.ts';

const DAY_S = 86_400;

export interface CleanUpDependencies {
  layout: DataLayout;
  clock: Clock;
  uptime: Uptime;
  logger: Logger;
  shippedKeepDays: () => number;
  /** 0: never. */
  quarantineKeepDays: () => number;
}

export class CleanUp {
  readonly #dependencies: CleanUpDependencies;
  /** For what says nothing of the uptime at which it was settled: when this process first saw it. */
  readonly #firstSeenS = new Map<string, number>();

  constructor(dependencies: CleanUpDependencies) {
    this.#dependencies = dependencies;
  }

  async run(stop: AbortSignal): Promise<void> {
    const { layout, shippedKeepDays, quarantineKeepDays } = this.#dependencies;
    await this.#clean(layout.shipped, shippedKeepDays(), stop);
    if (quarantineKeepDays() > 0) await this.#clean(layout.quarantine, quarantineKeepDays(), stop);
  }

  async #clean(directory: string, keepDays: number, stop: AbortSignal): Promise<void> {
    const { layout, logger } = this.#dependencies;
    for (const name of await readdir(directory)) {
      if (stop.aborted) return;
      try {
        const settled = await readSettledAt(join(directory, name));
        if (!settled || !this.#isOld(join(directory, name), settled, keepDays * DAY_S)) continue;
        await removeSettled(layout, directory, name);
        logger.info({ path: join(directory, name), settled_at: settled.atWall, keep_days: keepDays }, 'deleted by age');
      } catch (error) {
        // Somebody else may have moved it meanwhile.
        if (isMissing(error)) continue;
        const cure = error instanceof AppError ? error.hint : undefined;
        logger.warn({ episode: name, err: error, cure }, 'could not be deleted by age');
      }
    }
  }

  #isOld(path: string, { atWall, uptimeS }: SettledAt, keepS: number): boolean {
    const { clock, uptime } = this.#dependencies;
    const noted = uptimeS !== undefined && uptimeS <= uptime.nowS() ? uptimeS : undefined;
    const since = noted ?? this.#firstSeenS.getOrInsertComputed(path, () => uptime.nowS());
    const ranForS = uptime.nowS() - since;
    const wallAgeS = (Date.parse(clock.wallTime()) - Date.parse(atWall)) / 1000;
    return ranForS >= keepS && wallAgeS >= keepS;
  }
}

/** The names in shipped/ that have their receipt, oldest first by when they were shipped. */
export async function shippedOldestFirst(layout: DataLayout): Promise<string[]> {
  const found: { name: string; atWall: string }[] = [];
  for (const name of await readdir(layout.shipped)) {
    const settled = await readSettledAt(join(layout.shipped, name));
    if (settled) found.push({ name, atWall: settled.atWall });
  }
  return found.toSorted((a, b) => (a.atWall < b.atWall ? -1 : 1)).map(({ name }) => name);
}
