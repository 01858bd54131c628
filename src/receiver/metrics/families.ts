// Metrics whose values are read when somebody asks: each reading replaces every series of the one before, so that what is gone is not
// told any more.

import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { Counter, Gauge, type Registry } from 'prom-client';

// Of a thousand hosts there are fifteen times as many.
const SAMPLES_AT_ONCE = 1_000;

export interface Family {
  help: string;
  labels?: readonly string[];
  /** A gauge where it is left out. */
  type?: 'counter';
}

/** Without a value there is no series. */
export type Sample<Name extends string> = readonly [
  name: Name,
  value: number | null | undefined,
  labels?: Readonly<Record<string, string>>,
];

export class Families<Name extends string> {
  readonly #metrics: ReadonlyMap<Name, Gauge | Counter>;

  constructor(registry: Registry, families: Readonly<Record<Name, Family>>) {
    const entries = Object.entries(families) as [Name, Family][];
    this.#metrics = new Map(
      entries.map(([name, { help, labels = [], type }]) => {
        const options = { name, help, labelNames: [...labels], registers: [registry] };
        return [name, type === 'counter' ? new Counter(options) : new Gauge(options)];
      }),
    );
    this.clear();
  }

  /** To be called once at a time: the event loop turns meanwhile. */
  async replace(samples: Iterable<Sample<Name>>): Promise<void> {
    this.clear();
    let set = 0;
    for (const [name, value, labels = {}] of samples) {
      if (value === null || value === undefined) continue;
      const metric = this.#metrics.get(name);
      if (metric instanceof Counter) metric.inc(labels, value);
      else metric?.set(labels, value);
      set += 1;
      if (set % SAMPLES_AT_ONCE === 0) await yieldToOthers();
    }
  }

  clear(): void {
    for (const metric of this.#metrics.values()) {
      metric.reset();
      // One without labels begins at 0, which is a value like any other.
      metric.remove({});
    }
  }
}
