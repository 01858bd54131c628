// What becomes of each PUT of an episode: how many, how long, how many bytes, by outcome, and by host.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';

// From a small episode over a LAN to a large one over a poor link.
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800];
// Whoever has the fleet token can make up names; as many as the fleet view takes.
const MOST_HOSTS = 20_000;

/** Of one request. Exactly one of `answered` and `cutOff` ends it. */
export interface PutMeter {
  /** So many bytes of the body in all. */
  received(bytes: number): void;
  /** `outcome`: `stored`, `duplicate`, or the problem code. `hostId`: whose attempt it counts as, if anybody's. */
  answered(outcome: string, hostId: string | undefined): void;
  cutOff(): void;
}

export class PutMeters {
  readonly #clock: Clock;
  readonly #durations: Histogram<'outcome'>;
  readonly #bytes: Counter<'outcome'>;
  readonly #cutOff: Counter;
  readonly #underWay: Gauge;
  readonly #byHost = new Map<string, Map<string, number>>();

  constructor(registry: Registry, clock: Clock) {
    const registers = [registry];
    this.#clock = clock;
    this.#durations = new Histogram({
      name: 'cis490_put_duration_seconds',
      help: 'From the headers of an episode PUT to its answer, by outcome: stored, duplicate, or the problem code.',
      labelNames: ['outcome'],
      buckets: DURATION_BUCKETS_S,
      registers,
    });
    this.#bytes = new Counter({
      name: 'cis490_put_received_bytes_total',
      help: 'Bytes of episode bodies that were taken in, by the outcome of their PUT.',
      labelNames: ['outcome'],
      registers,
    });
    this.#cutOff = new Counter({
      name: 'cis490_puts_cut_off_total',
      help: 'Episode PUTs whose body stopped short: nothing of them is kept, and nobody was answered.',
      registers,
    });
    this.#underWay = new Gauge({
      name: 'cis490_puts_in_progress',
      help: 'Episode PUTs that have begun and were not answered yet.',
      registers,
    });
  }

  /** By host, then by outcome, since this process began. */
  get byHost(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#byHost;
  }

  begin(): PutMeter {
    const beganMs = this.#clock.monotonicMs();
    let receivedBytes = 0;
    this.#underWay.inc();
    return {
      received: (bytes) => {
        receivedBytes = bytes;
      },
      answered: (outcome, hostId) => {
        this.#underWay.dec();
        this.#durations.observe({ outcome }, (this.#clock.monotonicMs() - beganMs) / 1000);
        if (receivedBytes > 0) this.#bytes.inc({ outcome }, receivedBytes);
        if (hostId !== undefined) this.#countHost(hostId, outcome);
      },
      cutOff: () => {
        this.#underWay.dec();
        this.#cutOff.inc();
      },
    };
  }

  #countHost(hostId: string, outcome: string): void {
    if (this.#byHost.size >= MOST_HOSTS && !this.#byHost.has(hostId)) return;
    const outcomes = this.#byHost.getOrInsertComputed(hostId, () => new Map());
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
}
