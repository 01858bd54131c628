// How long this shipper has run in all its lives, by the monotonic clock: what a wall clock that jumps a year cannot make old.

import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { readIfThere } from '../../lib/read-if-there.ts';

const fileSchema = z.object({ uptime_s: z.number().nonnegative() });

export class Uptime {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #beforeS: number;
  readonly #startedAtMs: number;

  private constructor(path: string, clock: Clock, beforeS: number) {
    this.#path = path;
    this.#clock = clock;
    this.#beforeS = beforeS;
    this.#startedAtMs = clock.monotonicMs();
  }

  /** A missing or damaged file counts from nothing: things then only seem younger than they are. */
  static async load(path: string, clock: Clock): Promise<Uptime> {
    return new Uptime(path, clock, await readUptimeS(path));
  }

  nowS(): number {
    return Math.round(this.#beforeS + (this.#clock.monotonicMs() - this.#startedAtMs) / 1000);
  }

  async save(): Promise<void> {
    await writeFileDurably(this.#path, toJsonFile({ uptime_s: this.nowS() }), {
      temporaryPath: `${this.#path}.tmp`,
    });
  }
}

/** What the file says, for a program beside the shipper. */
export async function readUptimeS(path: string): Promise<number> {
  try {
    return fileSchema.parse(JSON.parse((await readIfThere(path)) ?? '')).uptime_s;
  } catch {
    return 0;
  }
}
