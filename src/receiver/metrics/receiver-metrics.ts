// All metrics of one receiver, in a registry of its own: what is counted as it happens, and what is read when somebody asks.

import type { Socket } from 'node:net';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { WatchSync } from '../../storage/watch-sync.ts';
import { certificatesCollector } from './collect-certificates.ts';
import { gateCollector } from './collect-gate.ts';
import { hostsCollector } from './collect-hosts.ts';
import { monitorCollector } from './collect-monitor.ts';
import { backupCollector, diskCollector, ledgerCollector, uploadsCollector } from './collect-store.ts';
import { Families } from './families.ts';
import type { Collector, MetricSources } from './metric-sources.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { PutMeters } from './put-meters.ts';
import { createSyncMeter } from './sync-meter.ts';

/** Their names are those of the label `collector`. */
const COLLECTORS: Readonly<Record<string, Collector<string>>> = {
  backup: backupCollector,
  certificates: certificatesCollector,
  disk: diskCollector,
  gate: gateCollector,
  hosts: hostsCollector,
  ledger: ledgerCollector,
  monitor: monitorCollector,
  uploads: uploadsCollector,
};

export interface ReceiverMetricsOptions {
  /** The commit that this receiver runs, or null when its tree is not stamped. */
  version: string | null;
  connectionLimit: number;
  backupStamp: string | undefined;
  clock: Clock;
  logger: Logger;
}

export type PageSources = Omit<MetricSources, 'puts' | 'backupStamp'>;

export class ReceiverMetrics {
  readonly registry = new Registry();
  readonly puts: PutMeters;
  readonly watchSync: WatchSync;
  readonly #options: ReceiverMetricsOptions;
  readonly #connections: Gauge;
  readonly #success: Gauge<'collector'>;
  readonly #families = new Map<string, Families<string>>();
  readonly #failing = new Set<string>();
  #rendering: Promise<string> | undefined;

  constructor(options: ReceiverMetricsOptions) {
    this.#options = options;
    const registers = [this.registry];
    this.puts = new PutMeters(this.registry, options.clock);
    this.watchSync = createSyncMeter(this.registry, options.clock);
    this.#connections = new Gauge({ name: 'cis490_connections', help: 'Connections that are open.', registers });
    new Gauge({
      name: 'cis490_connections_limit',
      help: 'How many may be: above it the one that has been idle longest makes room.',
      registers,
    }).set(options.connectionLimit);
    new Gauge({
      name: 'cis490_build_info',
      help: 'The commit that runs, and on which Node: the value is always 1.',
      labelNames: ['commit', 'node'],
      registers,
    }).set({ commit: options.version ?? 'unstamped', node: process.version }, 1);
    this.#success = new Gauge({
      name: 'cis490_collector_success',
      help: 'Whether this part of the metrics could be read: 0 means that its series are missing.',
      labelNames: ['collector'],
      registers,
    });
    for (const [name, { families }] of Object.entries(COLLECTORS)) {
      this.#families.set(name, new Families(this.registry, families));
    }
    addProcessMetrics(this.registry);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  connected(socket: Socket): void {
    this.#connections.inc();
    socket.once('close', () => this.#connections.dec());
  }

  /** The exposition as it is now. Who asks while another is answered gets the same. */
  async page(sources: PageSources): Promise<string> {
    this.#rendering ??= this.#render(sources).finally(() => {
      this.#rendering = undefined;
    });
    return await this.#rendering;
  }

  async #render(from: PageSources): Promise<string> {
    const sources = { ...from, puts: this.puts, backupStamp: this.#options.backupStamp };
    await Promise.all(Object.entries(COLLECTORS).map(([name, it]) => this.#collect(name, it, sources)));
    const parts: string[] = [];
    for (const { name } of this.registry.getMetricsAsArray()) {
      parts.push(await this.registry.getSingleMetricAsString(name));
      // A thousand hosts make a long page: episodes arrive meanwhile.
      await yieldToOthers();
    }
    return `${parts.join('\n\n')}\n`;
  }

  /** What cannot be read is not told as it was before; the rest is told all the same. */
  async #collect(name: string, collector: Collector<string>, sources: MetricSources): Promise<void> {
    const { logger } = this.#options;
    try {
      const samples = await collector.read(sources);
      await this.#families.get(name)?.replace(samples);
      this.#success.set({ collector: name }, 1);
      this.#failing.delete(name);
    } catch (error) {
      this.#families.get(name)?.clear();
      this.#success.set({ collector: name }, 0);
      if (!this.#failing.has(name))
        logger.warn({ err: error, collector: name }, 'a part of the metrics cannot be read');
      this.#failing.add(name);
    }
  }
}
