// What is known of each host, kept in memory from durable rows, heartbeats and doctor reports: answering costs nothing that grows
// with the age of the ledger. Only hosts that are expected, have stored, or were heard with a credential have a place here.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { isTombstone, type SequencedRow } from '../../protocol/ledger-row.ts';
import type { HostState, NewHeartbeat } from '../../storage/host-state.ts';
import type { Ledger } from '../../storage/ledger.ts';
import type { LiveEvents } from '../events/live-events.ts';
import { type DoctorVerdict, doctorVerdictOf } from './doctor-status.ts';
import { shownOf } from './shown-heartbeat.ts';
import { StoredQuarters } from './stored-quarters.ts';

const PAGE_ROWS = 1_000;
const MOST_HEARD_HOSTS = 20_000;
// After a failure of the ledger: twice as long each time.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
// The ledger is read in much less, unless state.db is made again: who asks right after a start is spared the refusal.
const WAIT_FOR_START_MS = 5_000;

export interface HostKnowledge {
  hostId: string;
  episodes: number;
  sizeBytes: number;
  /** The row with the highest seq; undefined when it has never stored. */
  last: SequencedRow | undefined;
  day: StoredQuarters;
  /** Its body is what `shownOf` keeps of it. */
  heartbeat: NewHeartbeat | undefined;
  doctor: (DoctorVerdict & { receivedAtWall: string }) | undefined;
  /** When it last came with a credential, for whatever. */
  heardAtWall: string | undefined;
}

export interface FleetViewDependencies {
  ledger: Ledger;
  hostState: HostState;
  /** Told of each change. */
  live?: Pick<LiveEvents, 'hostChanged' | 'allHostsChanged' | 'stored'>;
  clock: Clock;
  /** Without it nothing is told. */
  logger: Logger;
}

/** Answers are given while it follows, and only then. */
type Following = { kind: 'reading' } | { kind: 'follows' } | { kind: 'failing'; reason: string };

export class FleetView {
  readonly #dependencies: FleetViewDependencies;
  readonly #hosts = new Map<string, HostKnowledge>();
  #expected: ReadonlySet<string> = new Set();
  #following: Following = { kind: 'reading' };
  /** Resolves when the first reading has come to an end, whatever end that was. */
  readonly #firstRead = Promise.withResolvers<void>();
  /** The seq up to which the figures go; undefined until the ledger's totals have been read. */
  #readTo: number | undefined;

  constructor(dependencies: FleetViewDependencies) {
    this.#dependencies = dependencies;
  }

  /** Reads what there is, then follows the ledger until `stop`. A failure of the ledger is tried again from where it was. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, logger } = this.#dependencies;
    await this.#loadReports();
    for (let pauseMs = FIRST_PAUSE_MS; !stop.aborted; ) {
      try {
        if (this.#readTo === undefined) await this.#load(stop);
        else await this.#followOn(this.#readTo, stop);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (stop.aborted) break;
        if (this.#following.kind !== 'failing')
          logger.warn({ err: error }, 'the fleet view cannot read the ledger; tried again until it can');
        this.#becomes({ kind: 'failing', reason: messageOf(error) });
        await clock.sleep(pauseMs, stop);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
    this.#firstRead.resolve();
  }

  expect(hostIds: readonly string[]): void {
    this.#expected = new Set(hostIds);
    this.#dependencies.live?.allHostsChanged();
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

  /** It has just come: it replaces the one before, whatever the clock said then. */
  heartbeat(heartbeat: NewHeartbeat): void {
    if (!this.#hasPlaceFor(heartbeat.hostId)) return;
    this.#host(heartbeat.hostId).heartbeat = { ...heartbeat, body: shownOf(heartbeat.body) };
    this.#dependencies.live?.hostChanged(heartbeat.hostId);
  }

  report(hostId: string, content: Uint8Array, receivedAtWall: string): void {
    if (!this.#hasPlaceFor(hostId)) return;
    this.#host(hostId).doctor = { ...doctorVerdictOf(content), receivedAtWall };
    this.#dependencies.live?.hostChanged(hostId);
  }

  /** By host id. Throws `not-ready` while the ledger has not been read or is not followed. */
  async hosts(): Promise<HostKnowledge[]> {
    await this.#isUpToDate();
    const ids = new Set([...this.#expected, ...this.#hosts.keys()]);
    return [...ids].sort().map((hostId) => this.#hosts.get(hostId) ?? blank(hostId));
  }

  /** Throws as `hosts` does. */
  async find(hostId: string): Promise<HostKnowledge | undefined> {
    await this.#isUpToDate();
    return this.#hosts.get(hostId) ?? (this.#expected.has(hostId) ? blank(hostId) : undefined);
  }

  /** What the shipper last said of how its host is kept up to date; at hand without waiting. */
  heartbeatOf(hostId: string): NewHeartbeat | undefined {
    return this.#hosts.get(hostId)?.heartbeat;
  }

  async #isUpToDate(): Promise<void> {
    if (this.#following.kind === 'reading') {
      const { clock } = this.#dependencies;
      const isRead = new AbortController();
      await Promise.race([this.#firstRead.promise, clock.sleep(WAIT_FOR_START_MS, isRead.signal)]);
      isRead.abort();
    }
    const following = this.#following;
    if (following.kind === 'follows') return;
    const reason =
      following.kind === 'failing' ? `the ledger cannot be read: ${following.reason}` : 'the ledger is being read';
    throw new AppError('not-ready', `the figures of the fleet are not at hand: ${reason}`, { retryable: true });
  }

  #becomes(following: Following): void {
    const wasFailing = this.#following.kind === 'failing';
    this.#following = following;
    this.#firstRead.resolve();
    if (wasFailing && following.kind === 'follows')
      this.#dependencies.logger.info('the fleet view follows the ledger again');
  }

  /** Reports are for show: without those of before, the next of each host is shown. */
  async #loadReports(): Promise<void> {
    const { hostState, logger } = this.#dependencies;
    try {
      for await (const { hostId, content, receivedAtWall } of hostState.listReports()) {
        // One that has come meanwhile is newer.
        if (!this.#hosts.get(hostId)?.doctor) this.report(hostId, content, receivedAtWall);
      }
    } catch (error) {
      logger.warn({ err: error }, 'doctor reports of before could not be read; the next of each host is shown');
    }
  }

  /** The ledger's figures: all of them or, after a failure, none, and then it is begun anew. */
  async #load(stop: AbortSignal): Promise<void> {
    const { ledger, hostState, clock } = this.#dependencies;
    // Of one host the last in the list is the last that came.
    const heartbeats = new Map((await hostState.listHeartbeats()).map((heartbeat) => [heartbeat.hostId, heartbeat]));
    for (const [hostId, heartbeat] of heartbeats) {
      // One that has come meanwhile is newer.
      if (!this.#hosts.get(hostId)?.heartbeat) this.heartbeat(heartbeat);
    }
    const totals = await ledger.hosts();
    const readTo = totals.reduce((highest, { last }) => Math.max(highest, last.seq), 0);
    const days = new Map(totals.map(({ hostId }) => [hostId, new StoredQuarters()]));
    const since = Temporal.Instant.from(clock.wallTime()).subtract({ hours: 24 }).toString();
    for (let after: number | undefined = 0; after !== undefined; ) {
      // Those that were taken back since count as stored, as they do for one who has followed.
      const page = await ledger.list({ since, withRetracted: true }, after, PAGE_ROWS);
      if (stop.aborted) return;
      const now = clock.wallTime();
      for (const row of page.rows) if (row.seq <= readTo) days.get(row.host_id)?.add(row, now);
      after = page.nextAfterSeq;
    }
    for (const { hostId, episodes, sizeBytes, last } of totals) {
      Object.assign(this.#host(hostId), { episodes, sizeBytes, last, day: days.get(hostId) });
    }
    this.#readTo = readTo;
    this.#becomes({ kind: 'follows' });
  }

  async #followOn(from: number, stop: AbortSignal): Promise<void> {
    const { ledger, clock, live } = this.#dependencies;
    const entries = await ledger.read(from, PAGE_ROWS);
    for (const entry of entries) {
      this.#readTo = entry.seq;
      live?.stored(entry.host_id);
      if (isTombstone(entry)) continue;
      const host = this.#host(entry.host_id);
      host.episodes += 1;
      host.sizeBytes += entry.bytes;
      host.last = entry;
      host.day.add(entry, clock.wallTime());
    }
    if (entries.length > 0) return;
    if (this.#following.kind !== 'follows') this.#becomes({ kind: 'follows' });
    await ledger.waitAfter(from, stop);
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
