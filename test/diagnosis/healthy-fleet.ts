// A healthy fleet over days, in a store as the receiver writes it: each host has its own rhythm, and what goes wrong with it now and then
// is what happens to a host that is well. All of its time is given.

import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { formatWallTime } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { openStorage, type Storage } from '../../src/storage/open-storage.ts';

export const TICK_MIN = 5;
const MIN_MS = 60_000;
const DAY_MIN = 24 * 60;
/** The branch has a new commit as often. */
const COMMIT_EVERY_MIN = 120;
export const WINDOW = 100;

/** A host at one minute of its life; what it does not say is as on a quiet day. */
interface Minute {
  stores?: boolean;
  isOff?: boolean;
  boot?: number;
  machine?: string;
  aheadS?: number;
  backlogS?: number;
  quarantine?: number;
  fails?: Record<string, number>;
  /** How far its code is behind the head. */
  behind?: number;
  update?: 'current' | 'updated';
  doctor?: 'green' | 'yellow';
}

/** Minutes since the beginning → what it does then. */
export const RHYTHMS: Record<string, (minute: number) => Minute> = {
  'each-minute': () => ({ stores: true }),
  'each-20-min': (minute) => ({ stores: minute % 20 === (minute % 40 < 20 ? 0 : 4) }),
  'just-within-the-threshold': (minute) => ({ stores: minute % 30 === 0 }),
  'slow-link': (minute) => ({
    stores: minute % 25 === 0,
    backlogS: (minute % 100) * 70,
    fails: minute % 7 === 0 ? { timeout: 1 } : {},
  }),
  reboots: (minute) => ({ stores: minute % 3 === 0, boot: Math.floor(minute / 700), isOff: minute % 700 < 6 }),
  'updates-itself': (minute) => ({
    stores: minute % 4 === 0,
    behind: Math.min(Math.floor((minute % (2 * COMMIT_EVERY_MIN)) / COMMIT_EVERY_MIN), 1),
    update: minute % (2 * COMMIT_EVERY_MIN) < 30 ? 'updated' : 'current',
    isOff: minute % (2 * COMMIT_EVERY_MIN) === 31,
  }),
  'seldom-updated': (minute) => ({
    stores: minute % 10 === 0,
    behind: Math.min(Math.floor(minute / COMMIT_EVERY_MIN), 79),
  }),
  'refused-now-and-then': (minute) => ({
    stores: minute % 5 === 0,
    quarantine: Math.floor(minute / 400),
    fails: minute % 400 === 0 ? { conflict: 1 } : minute % 50 === 0 ? { 'digest-mismatch': 1, 'gate-stale': 2 } : {},
  }),
  'clock-drifts': (minute) => ({ stores: minute % 6 === 0, aheadS: 100 * Math.sin(minute / 500) }),
  'doctor-finds-little': (minute) => ({
    stores: minute % 8 === 0,
    doctor: minute % (3 * DAY_MIN) < DAY_MIN ? 'yellow' : 'green',
  }),
  'replaced-by-another-machine': (minute) => ({
    stores: minute % 12 === 0,
    machine: minute < 2_000 ? 'old' : 'new',
    isOff: minute >= 1_985 && minute < 2_000,
  }),
  'comes-within-its-grace': (minute) => ({ isOff: minute < 100, stores: minute >= 100 && minute % 15 === 0 }),
  'retired-later': (minute) => ({ isOff: minute > 1_000, stores: minute % 10 === 0 }),
};
const RETIRES_AT_MIN = 1_005;
const RECEIVER_RESTARTS_EVERY_MIN = 975;

export class HealthyFleet {
  readonly root: string;
  readonly #startMs: number;
  readonly #logger: Logger;
  #storage: Storage;

  private constructor(root: string, startMs: number, storage: Storage, logger: Logger) {
    this.root = root;
    this.#startMs = startMs;
    this.#storage = storage;
    this.#logger = logger;
  }

  static async create(root: string, startMs: number, logger: Logger): Promise<HealthyFleet> {
    return new HealthyFleet(root, startMs, await openStorage({ root, logger }), logger);
  }

  wallAt(minute: number, aheadS = 0): string {
    return formatWallTime(
      Temporal.Instant.fromEpochMilliseconds(Math.round(this.#startMs + minute * MIN_MS + aheadS * 1000)),
    );
  }

  /** Newest first. */
  commitsAt(minute: number): string[] {
    return Array.from({ length: WINDOW }, (_, distance) => commitOf(Math.floor(minute / COMMIT_EVERY_MIN) - distance));
  }

  /** All that happens from this minute on, up to the next tick; `without` does nothing any more. */
  async live(fromMinute: number, without: readonly string[] = []): Promise<void> {
    if (fromMinute % RECEIVER_RESTARTS_EVERY_MIN === 0) await this.#restartReceiver();
    const hosts = Object.entries(RHYTHMS).filter(([host]) => !without.includes(host));
    const minutes = Array.from({ length: TICK_MIN }, (_, index) => fromMinute + index);
    // At once, so that they share their fsyncs.
    await Promise.all(minutes.flatMap((at) => hosts.map(([host, rhythm]) => this.#liveOne(host, at, rhythm(at)))));
    if (fromMinute !== RETIRES_AT_MIN) return;
    const retiredAt = this.wallAt(fromMinute);
    await this.#storage.control.retireHost({ hostId: 'retired-later', retiredAt, by: 'test', reason: 'sold' });
  }

  async close(): Promise<void> {
    await this.#storage.close();
  }

  async #liveOne(host: string, minute: number, now: Minute): Promise<void> {
    if (now.isOff) return;
    const { attempts, ledger, hostState } = this.#storage;
    const at = this.wallAt(minute);
    const outcomes = { ...now.fails, ...(now.stores && { stored: 1 }) };
    const counts = Object.entries(outcomes).map(([outcome, count]) => ({
      hostId: host,
      minute: at.slice(0, 16),
      outcome,
      count,
    }));
    if (counts.length > 0) await attempts.add(counts);
    if (now.stores) await ledger.append(this.#rowOf(host, minute, now));
    if (minute % 5 === 0) await hostState.putHeartbeat(this.#heartbeatOf(host, minute, now));
    // Daily, with the timer's jitter.
    if (minute % DAY_MIN === 10 + (host.length % 30)) await this.#report(host, minute, now);
  }

  #rowOf(host: string, minute: number, { behind = 0 }: Minute) {
    const episode = `e-${minute}`;
    return {
      host_id: host,
      episode_id: episode,
      received_at_wall: this.wallAt(minute),
      sha256: '0'.repeat(64),
      bytes: 1,
      path: `episodes/${host}/${episode}.tar.zst`,
      commit: this.commitsAt(minute)[behind] ?? null,
    };
  }

  #heartbeatOf(host: string, minute: number, now: Minute) {
    const { boot = 0, machine = 'm', aheadS = 0, backlogS = 0, quarantine = 0, behind = 0, update } = now;
    const commits = this.commitsAt(minute);
    const body = {
      host_id: host,
      sent_at_wall: this.wallAt(minute, aheadS),
      backlog: { episodes: backlogS > 0 ? 3 : 0, bytes: 0, oldest_s: backlogS },
      held: null,
      quarantine: { episodes: quarantine, recent: { episodes: 1, without_asking: 0, code: 'conflict' } },
      version: { commit: commits[behind], dirty: false },
      update: update && {
        source: 'receiver',
        result: update,
        commit: commits[behind],
        target: commits[0],
        at_wall: this.wallAt(minute - (minute % 30)),
      },
    };
    return {
      hostId: host,
      machine: `${host}-${machine}`,
      bootId: `${machine}-${boot}`,
      receivedAtWall: this.wallAt(minute),
      body,
    };
  }

  async #report(host: string, minute: number, { doctor = 'green' }: Minute): Promise<void> {
    const checks = [{ id: 'backlog', status: doctor, summary: 'nothing waits' }];
    const report = {
      schema_version: 1,
      role: 'lab-host',
      host_id: host,
      status: doctor,
      generated_at_wall: this.wallAt(minute),
      commit: null,
      checks,
    };
    await this.#storage.hostState.putReport(host, Buffer.from(JSON.stringify(report)));
    const at = new Date(this.#startMs + minute * MIN_MS);
    await utimes(join(this.root, 'host-health', `${host}.json`), at, at);
  }

  async #restartReceiver(): Promise<void> {
    await this.#storage.close();
    this.#storage = await openStorage({ root: this.root, logger: this.#logger });
  }
}

function commitOf(number: number): string {
  return (number + 1_000).toString(16).padStart(40, '0');
}
