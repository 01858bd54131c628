// What the shipper counts for Prometheus, in a registry of its own. Process metrics are left out: node_exporter, which passes the text on,
// has its own under the same names.

import { X509Certificate } from 'node:crypto';
import { Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';
import { cutShort, inertLine } from '../../lib/inert-text.ts';
import type { CodeVersion } from '../../protocol/episode-meta.ts';
import type { Verdict } from '../transport/classify-answer.ts';
import type { QueueSnapshot } from './collect-heartbeat.ts';
import { defineShipperMeters } from './metrics-definitions.ts';
import type { Transport } from './put-episode.ts';
import type { PassProgress } from './ship-pass.ts';
import type { ShipperState } from './state-file.ts';

// Codes come from the receiver, or from whatever answers in its place.
const MOST_OUTCOMES = 100;
const LONGEST_CODE = 64;
const OUTCOME_OF = { shipped: 'stored', duplicate: 'duplicate', quarantined: 'quarantined' } as const;

/** What is read for each text. */
export interface ShipperNow {
  queue: QueueSnapshot;
  trouble: ShipperState['trouble'];
  /** Null when it cannot be read. */
  freeBytes: number | null;
  hasBackpressure: boolean;
  /** In PEM; undefined where none is shown. */
  certificate: string | undefined;
  version: CodeVersion | undefined;
}

export class ShipperMetrics {
  readonly registry = new Registry();
  readonly #meters = defineShipperMeters(this.registry);
  readonly #clock: Clock;
  readonly #putsBeganMs = new Map<string, number>();
  readonly #outcomes = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    for (const outcome of Object.values(OUTCOME_OF)) this.#meters.episodes.inc({ outcome }, 0);
    for (const gauge of [this.#meters.lastStored, this.#meters.freeBytes]) gauge.remove();
  }

  /** The same, with the time of each PUT taken until its verdict. */
  timing(transport: Transport): Transport {
    return {
      ...transport,
      put: (hostId, episode, stop) => {
        this.#putsBeganMs.set(episode.episodeId, this.#clock.monotonicMs());
        return transport.put(hostId, episode, stop);
      },
    };
  }

  sent(bytes: number): void {
    this.#meters.sentBytes.inc(bytes);
  }

  packed(sizeBytes: number, tookMs: number): void {
    this.#meters.packedBytes.inc(sizeBytes);
    this.#meters.packs.observe(tookMs / 1000);
  }

  verdict(episodeId: string, verdict: Verdict): void {
    const nowMs = this.#clock.monotonicMs();
    const tookMs = nowMs - (this.#putsBeganMs.get(episodeId) ?? nowMs);
    this.#putsBeganMs.delete(episodeId);
    const isStored = 'answer' in verdict;
    const outcome = this.#bounded(isStored ? OUTCOME_OF[verdict.kind] : labelOf(verdict.code));
    this.#meters.puts.observe({ outcome }, tookMs / 1000);
    if (isStored) this.#meters.lastStored.set(Date.parse(this.#clock.wallTime()) / 1000);
  }

  progress({ last }: PassProgress): void {
    if (last && Object.hasOwn(OUTCOME_OF, last.outcome))
      this.#meters.episodes.inc({ outcome: OUTCOME_OF[last.outcome as keyof typeof OUTCOME_OF] });
  }

  /** The exposition. */
  async text({ queue, trouble, freeBytes, hasBackpressure, certificate, version }: ShipperNow): Promise<string> {
    const { backlog, held, quarantine } = queue;
    const meters = this.#meters;
    for (const gauge of [meters.held, meters.trouble, meters.certificate, meters.build]) gauge.reset();
    meters.freeBytes.remove();
    meters.backlogEpisodes.set(backlog.episodes);
    meters.backlogBytes.set(backlog.bytes);
    meters.oldest.set(backlog.oldest_s ?? 0);
    if (held) meters.held.set({ code: labelOf(held.code) }, held.count);
    if (trouble) meters.trouble.set({ kind: trouble.kind, code: labelOf(trouble.code) }, 1);
    meters.quarantine.set(quarantine.episodes);
    if (freeBytes !== null) meters.freeBytes.set(freeBytes);
    meters.backpressure.set(hasBackpressure ? 1 : 0);
    if (certificate !== undefined) {
      const endsMs = new X509Certificate(certificate).validToDate.getTime();
      meters.certificate.set({ certificate: 'client' }, endsMs / 1000);
    }
    const commit = version?.commit ?? 'unstamped';
    meters.build.set({ commit, dirty: version?.dirty ? '1' : '0', node: process.version }, 1);
    return await this.registry.metrics();
  }

  #bounded(outcome: string): string {
    if (this.#outcomes.size >= MOST_OUTCOMES && !this.#outcomes.has(outcome)) return 'other';
    this.#outcomes.add(outcome);
    return outcome;
  }
}

function labelOf(code: string): string {
  return cutShort(inertLine(code), LONGEST_CODE);
}
