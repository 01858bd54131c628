// Watches what each program holds: memory must not grow over the later part of one life, and descriptors come back to what they were at
// rest.

import { setTimeout as delay } from 'node:timers/promises';
import { type Flatness, judgeFlatness, type Sample } from './flatness.ts';
import { readProcessFacts } from './process-facts.ts';
import type { SoakProgram } from './soak-program.ts';

// Above what a heap rises between two collections. A leak of a kilobyte an episode shows within hours; in minutes only a large one does.
export const MOST_GROWTH_MIB = 32;
// Files that are opened once, at the first need of them, and stay open.
export const MOST_MORE_DESCRIPTORS = 6;
const PATIENCE_MS = 150_000;
const LOOK_EVERY_MS = 500;

export interface Holdings {
  program: string;
  rssMiB: { first: number; last: number; most: number };
  pssMiB: number;
  memory: Flatness;
  descriptors: { atRest: number; most: number; atEnd: number };
}

interface Series {
  program: SoakProgram;
  pid: number | undefined;
  samples: Sample[];
  pssMiB: number;
  atRest: number;
  mostDescriptors: number;
  atEnd: number;
}

export class HoldingsWatch {
  readonly #series: Series[];

  constructor(programs: readonly SoakProgram[]) {
    const none = { pid: undefined, pssMiB: 0, atRest: 0, mostDescriptors: 0, atEnd: 0 };
    this.#series = programs.map((program) => ({ ...none, program, samples: [] }));
  }

  /** Before anything is published: the descriptors that each program is to come back to. */
  atRest(): void {
    for (const series of this.#series) series.atRest = readProcessFacts(series.program.pid)?.descriptors ?? 0;
  }

  sample(): void {
    const atS = performance.now() / 1000;
    for (const series of this.#series) {
      const facts = readProcessFacts(series.program.pid);
      if (!facts) continue;
      // A new life begins anew.
      if (series.pid !== series.program.pid) series.samples = [];
      series.pid = series.program.pid;
      series.samples.push({ atS, rssMiB: facts.rssMiB });
      series.pssMiB = facts.pssMiB;
      series.mostDescriptors = Math.max(series.mostDescriptors, facts.descriptors);
    }
  }

  /** With the connections closed, looks until each program has come back to what it had open at rest, or patience ends. */
  async comeBack(closeConnections: () => void, stop: AbortSignal): Promise<void> {
    closeConnections();
    const deadlineMs = performance.now() + PATIENCE_MS;
    for (;;) {
      for (const series of this.#series) series.atEnd = readProcessFacts(series.program.pid)?.descriptors ?? 0;
      if (this.#series.every(isBack) || performance.now() > deadlineMs) return;
      stop.throwIfAborted();
      await delay(LOOK_EVERY_MS);
    }
  }

  judge(): Holdings[] {
    return this.#series.map(({ program, samples, pssMiB, atRest, mostDescriptors, atEnd }) => {
      const rss = samples.map(({ rssMiB }) => rssMiB);
      return {
        program: program.name,
        rssMiB: { first: rss[0] ?? 0, last: rss.at(-1) ?? 0, most: Math.max(0, ...rss) },
        pssMiB,
        memory: judgeFlatness(samples, MOST_GROWTH_MIB),
        descriptors: { atRest, most: mostDescriptors, atEnd },
      };
    });
  }

  faults(): string[] {
    const growing = this.judge().flatMap(({ program, memory }) =>
      memory.kind === 'judged' && !memory.isFlat
        ? [
            `${program}: memory grew by ${memory.growthMiB.toFixed(1)} MiB in ${memory.overS.toFixed(0)} s, more than ${MOST_GROWTH_MIB}`,
          ]
        : [],
    );
    const open = this.#series
      .filter((series) => !isBack(series))
      .map(
        ({ program, atRest, atEnd }) => `${program.name}: ${atEnd} descriptors are open at the end, ${atRest} at rest`,
      );
    return [...growing, ...open];
  }
}

function isBack({ atRest, atEnd }: Series): boolean {
  return atEnd <= atRest + MOST_MORE_DESCRIPTORS;
}
