// What is known of each host, kept in memory from durable rows, heartbeats and doctor reports: answering costs nothing that grows
// with the age of the ledger. Only hosts that are expected, have stored, or were heard with a credential have a place here.

import type { Clock } from '../../lib/clock.ts';
import { isTombstone, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { Heartbeat, HostState } from '../../storage/host-state.ts';
import type { Ledger } from '../../storage/ledger.ts';
import { type DoctorStatus, doctorStatusOf } from './doctor-status.ts';
import { StoredQuarters } from './stored-quarters.ts';

const PAGE_ROWS = 1_000;
const MOST_HEARD_HOSTS = 20_000;

export interface HostKnowledge {
  hostId: string;
  episodes: number;
  sizeBytes: number;
  /** The row with the highest seq; undefined when it has never stored. */
  last: SequencedRow | undefined;
  day: StoredQuarters;
  heartbeat: Heartbeat | undefined;
  doctor: { status: DoctorStatus; receivedAtWall: string } | undefined;
  /** When it last came with a credential, for whatever. */
  heardAtWall: string | undefined;
}

export interface FleetViewDependencies {
  ledger: Ledger;
  hostState: HostState;
  clock: Clock;
}

export class FleetView {
  readonly #dependencies: FleetViewDependencies;
  readonly #hosts = new Map<string, HostKnowledge>();
  #expected: ReadonlySet<string> = new Set();
  readonly #loaded = Promise.withResolvers<void>();

  constructor(dependencies: FleetViewDependencies) {
    this.#dependencies = dependencies;
    // Whoever asks meets the failure; nobody may ask.
    this.#loaded.promise.catch(() => undefined);
  }

  /** Reads what there is, then follows the ledger until `stop`. Throws what the ledger throws. */
  async run(stop: AbortSignal): Promise<void> {
    try {
      await this.#loadReports();
      const readTo = await this.#loadLedger(stop);
      this.#loaded.resolve();
      await this.#follow(readTo, stop);
    } catch (error) {
      this.#loaded.reject(error);
      if (!stop.aborted) throw error;
    }
  }

  expect(hostIds: readonly string[]): void {
    this.#expected = new Set(hostIds);
  }

  isExpected(hostId: string): boolean {
    return this.#expected.has(hostId);
  }

  isKnown(hostId: string): boolean {
    return this.#hosts.has(hostId) || this.#expected.has(hostId);
  }

  /** It came with a credential. */
  heard(hostId: string): void {
    if (!this.#hasPlaceFor(hostId)) return;
    this.#host(hostId).heardAtWall = this.#dependencies.clock.wallTime();
  }

  heartbeat(heartbeat: Heartbeat): void {
    if (!this.#hasPlaceFor(heartbeat.hostId)) return;
    const host = this.#host(heartbeat.hostId);
    if (!host.heartbeat || host.heartbeat.receivedAtWall <= heartbeat.receivedAtWall) host.heartbeat = heartbeat;
  }

  report(hostId: string, content: Uint8Array, receivedAtWall: string): void {
    if (!this.#hasPlaceFor(hostId)) return;
    this.#host(hostId).doctor = { status: doctorStatusOf(content), receivedAtWall };
  }

  /** By host id; waits until the ledger has been read. */
  async hosts(): Promise<HostKnowledge[]> {
    await this.#loaded.promise;
    const ids = new Set([...this.#expected, ...this.#hosts.keys()]);
    return [...ids].sort().map((hostId) => this.#hosts.get(hostId) ?? blank(hostId));
  }

  async find(hostId: string): Promise<HostKnowledge | undefined> {
    await this.#loaded.promise;
    return this.#hosts.get(hostId) ?? (this.#expected.has(hostId) ? blank(hostId) : undefined);
  }

  /** What the shipper last said of how its host is kept up to date; at hand without waiting. */
  heartbeatOf(hostId: string): Heartbeat | undefined {
    return this.#hosts.get(hostId)?.heartbeat;
  }

  async #loadReports(): Promise<void> {
    const { hostState } = this.#dependencies;
    for (const heartbeat of await hostState.listHeartbeats()) this.heartbeat(heartbeat);
    for await (const { hostId, content, receivedAtWall } of hostState.listReports()) {
      this.report(hostId, content, receivedAtWall);
    }
  }

  /** Returns the seq up to which the totals go. */
  async #loadLedger(stop: AbortSignal): Promise<number> {
    const { ledger, clock } = this.#dependencies;
    let readTo = 0;
    for (const { hostId, episodes, sizeBytes, last } of await ledger.hosts()) {
      Object.assign(this.#host(hostId), { episodes, sizeBytes, last });
      readTo = Math.max(readTo, last.seq);
    }
    const since = Temporal.Instant.from(clock.wallTime()).subtract({ hours: 24 }).toString();
    for (let after: number | undefined = 0; after !== undefined && !stop.aborted; ) {
      const page = await ledger.list({ since }, after, PAGE_ROWS);
      for (const row of page.rows) if (row.seq <= readTo) this.#host(row.host_id).day.add(row, clock.wallTime());
      after = page.nextAfterSeq;
    }
    return readTo;
  }

  async #follow(from: number, stop: AbortSignal): Promise<void> {
    const { ledger, clock } = this.#dependencies;
    for (let readTo = from; !stop.aborted; ) {
      const entries = await ledger.read(readTo, PAGE_ROWS);
      for (const entry of entries) {
        readTo = entry.seq;
        if (isTombstone(entry)) continue;
        const host = this.#host(entry.host_id);
        host.episodes += 1;
        host.sizeBytes += entry.bytes;
        host.last = entry;
        host.day.add(entry, clock.wallTime());
      }
      if (entries.length === 0) await ledger.waitAfter(readTo, stop);
    }
  }

  /** A client that makes up its names must not fill the memory; who has stored has a place in any case. */
  #hasPlaceFor(hostId: string): boolean {
    return this.#hosts.size < MOST_HEARD_HOSTS || this.#hosts.has(hostId);
  }

  #host(hostId: string): HostKnowledge {
    return this.#hosts.getOrInsertComputed(hostId, blank);
  }
}

function blank(hostId: string): HostKnowledge {
  return {
    hostId,
    episodes: 0,
    sizeBytes: 0,
    last: undefined,
    day: new StoredQuarters(),
    heartbeat: undefined,
    doctor: undefined,
    heardAtWall: undefined,
  };
}
