// A fleet under random faults of all kinds while episodes are published: at each look nothing is lost, at the end every episode is in the
// store once, and what the programs hold has not grown. The seed decides what is done, and in which order; never how fast.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../crash/seeded-random.ts';
import { checkNothingLost, namesIn, type Published, readRows } from '../support/nothing-lost.ts';
import { drawFault } from './faults.ts';
import { type Holdings, HoldingsWatch } from './holdings.ts';
import { publishSome } from './publish-some.ts';
import { SoakFleet } from './soak-fleet.ts';
import { SoakProgram } from './soak-program.ts';

export interface SoakOptions {
  /** A directory of its own. */
  root: string;
  seed: number;
  hosts: number;
  /** The faults to be done; or how long faults are done. */
  length: { faults: number } | { minutes: number };
  stop: AbortSignal;
  /** A line for people. */
  onProgress: (line: string) => void;
}

export interface SoakResult {
  seed: number;
  hosts: number;
  seconds: number;
  convergedInS: number;
  faultsDone: Record<string, number>;
  published: number;
  stored: number;
  starts: number;
  looks: number;
  /** How many were found in quarantine, for the gate had moved before they were sent again; requeued, they were duplicates. */
  storedYetRefused: number;
  holdings: Holdings[];
  /** What is wrong; empty when nothing was ever lost, doubled or changed, and nothing grew. */
  faults: string[];
}

// From right after a fault to well into the work that follows it.
const LONGEST_PAUSE_MS = 1_000;
const LOOK_EVERY = 5;
// Faults that last end after this many others.
const SHORTEST = 2;
const LONGEST = 5;
// In the second half no program is ended, so that what one life holds can be watched.
const LASTING_LINK_FAULTS = 40;
// The longest backoff is five minutes, and a stalled body is given up after one.
const CONVERGE_PATIENCE_MS = 15 * 60_000;
// An episode whose answer was lost is sent again. When the gate has moved meanwhile, it is asked first, as the contract has it, and refuses what
// is stored. It is whole in both places, and once it is requeued its answer is `duplicate`. At the end there must be none of them.
const STORED_YET_REFUSED = /: stored, and in quarantine$/;
const REQUEUE_EVERY_MS = 3_000;
// Where the disk was full, what was shipped makes room; that it is in the store is looked at besides.
const NOT_ON_ITS_HOST = /^([^/]+)\/[^:]+: on its host in 0 places: $/;

/** Rejects when `stop` aborts; no program outlives it either way. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const random = seededRandom(options.seed);
  const fleet = await SoakFleet.create(options.root, options.hosts, random);
  // At once, so that nothing that waits for a program waits on.
  options.stop.addEventListener('abort', () => void fleet.killAll(), { once: true });
  try {
    return await new Soak(options, fleet, random).run();
  } finally {
    await fleet.killAll();
    fleet.dissolveDisks();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #fleet: SoakFleet;
  readonly #random: () => number;
  readonly #startedAtMs = performance.now();
  readonly #published: Published[] = [];
  readonly #done: Record<string, number> = {};
  readonly #faults: string[] = [];
  readonly #holdings: HoldingsWatch;
  #lasting: { endsAfter: number; what: string; end: () => Promise<void> }[] = [];
  readonly #storedYetRefused = new Set<string>();
  #count = 0;
  #looks = 0;

  constructor(options: SoakOptions, fleet: SoakFleet, random: () => number) {
    this.#options = options;
    this.#fleet = fleet;
    this.#random = random;
    this.#holdings = new HoldingsWatch(fleet.programs);
  }

  async run(): Promise<SoakResult> {
    const { stop, hosts, seed } = this.#options;
    await this.#fleet.startAll();
    await Promise.all(this.#fleet.programs.map((program) => program.ready()));
    this.#holdings.atRest();
    this.#tell(`${hosts} shippers and a receiver run`);
    await this.#half(0, true);
    // The lives that are watched begin here, with links that fail for longer.
    this.#fleet.plannedConnections = LASTING_LINK_FAULTS;
    await this.#fleet.restartShippers();
    this.#tell('all shippers killed, and started again');
    await this.#half(1, false);
    const beganMs = performance.now();
    if (this.#faults.length === 0) await this.#converge();
    const convergedInS = Math.round((performance.now() - beganMs) / 1000);
    if (this.#faults.length === 0) await this.#holdings.comeBack(() => this.#fleet.closeLinks(), stop);
    stop.throwIfAborted();
    await Promise.all(this.#fleet.programs.map((program) => program.stop()));
    const { stored } = await this.#judgeEnd();
    return {
      seed,
      hosts,
      seconds: this.#seconds,
      convergedInS,
      faultsDone: this.#done,
      published: this.#published.length,
      stored,
      starts: this.#fleet.programs.reduce((sum, { starts }) => sum + starts, 0),
      looks: this.#looks,
      storedYetRefused: this.#storedYetRefused.size,
      holdings: this.#holdings.judge(),
      faults: [...this.#faults, ...this.#holdings.faults()],
    };
  }

  get #seconds(): number {
    return Math.round((performance.now() - this.#startedAtMs) / 1000);
  }

  #isOver(half: 0 | 1): boolean {
    const { length } = this.#options;
    const part = (half + 1) / 2;
    if ('faults' in length) return this.#count >= Math.ceil(length.faults * part);
    return this.#seconds >= length.minutes * 60 * part;
  }

  async #half(half: 0 | 1, mayEndPrograms: boolean): Promise<void> {
    if (!mayEndPrograms) await this.#endLasting();
    while (!this.#isOver(half) && this.#faults.length === 0) {
      this.#options.stop.throwIfAborted();
      publishSome(this.#fleet.hosts, this.#published, this.#random);
      await delay(this.#random() * LONGEST_PAUSE_MS);
      await this.#strike(mayEndPrograms);
      if (!mayEndPrograms) this.#holdings.sample();
      if (this.#count % LOOK_EVERY === 0) await this.#look();
    }
    await this.#endLasting();
  }

  async #strike(mayEndPrograms: boolean): Promise<void> {
    const fault = drawFault(this.#fleet, this.#random, mayEndPrograms);
    const { what, end } = await fault.strike(this.#fleet, this.#random);
    this.#count += 1;
    this.#done[fault.kind] = (this.#done[fault.kind] ?? 0) + 1;
    this.#tell(`${this.#count}  ${fault.kind}: ${what}`);
    const over = this.#lasting.filter(({ endsAfter }) => endsAfter <= this.#count);
    this.#lasting = this.#lasting.filter(({ endsAfter }) => endsAfter > this.#count);
    for (const each of over) await this.#endOne(each);
    if (!end) return;
    const lastsFor = SHORTEST + Math.floor(this.#random() * (LONGEST - SHORTEST + 1));
    this.#lasting.push({ endsAfter: this.#count + lastsFor, what: fault.kind, end });
  }

  async #endLasting(): Promise<void> {
    for (const each of this.#lasting.splice(0)) await this.#endOne(each);
  }

  async #endOne({ what, end }: { what: string; end: () => Promise<void> }): Promise<void> {
    await end();
    this.#tell(`${what}: over`);
  }

  /** At one moment, at which nothing runs. */
  async #look(): Promise<void> {
    const { programs, store } = this.#fleet;
    const report = await SoakProgram.whileAllStandStill(programs, () => checkNothingLost(store, this.#published));
    this.#looks += 1;
    const [refused, lost] = partition(this.#unexplained(report.faults), (fault) => STORED_YET_REFUSED.test(fault));
    for (const fault of refused) this.#storedYetRefused.add(fault);
    this.#faults.push(...lost.map((fault) => `after fault ${this.#count}: ${fault}`), ...this.#ofPrograms());
    this.#tell(
      `nothing lost? ${lost.length === 0 ? 'nothing' : 'LOST'}; ${report.stored} of ${this.#published.length} stored`,
    );
  }

  /** All is well again, and what the gate had refused is requeued: from here on the fleet is left alone. */
  async #converge(): Promise<void> {
    await this.#fleet.trustsAll(this.#options.stop);
    const deadlineMs = performance.now() + CONVERGE_PATIENCE_MS;
    const { hosts } = this.#fleet;
    const waiting = () => hosts.reduce((sum, { data }) => sum + namesIn(join(data, 'episodes')).length, 0);
    const refused = () => hosts.reduce((sum, { data }) => sum + namesIn(join(data, 'quarantine')).length, 0);
    while (waiting() + refused() > 0) {
      this.#options.stop.throwIfAborted();
      this.#faults.push(...this.#ofPrograms());
      if (this.#faults.length > 0) return;
      if (performance.now() > deadlineMs) {
        this.#faults.push(`did not converge: ${waiting()} episodes wait, ${refused()} are in quarantine`);
        return;
      }
      if (refused() > 0) await this.#fleet.requeueAll();
      this.#tell(`left alone: ${waiting()} episodes wait`);
      await delay(REQUEUE_EVERY_MS);
    }
  }

  async #judgeEnd(): Promise<{ stored: number }> {
    const { hosts, store } = this.#fleet;
    const report = await checkNothingLost(store, this.#published, true);
    this.#faults.push(...this.#unexplained(report.faults), ...this.#ofPrograms());
    if (this.#faults.length > 0) return report;
    const stored = new Set(readRows(store).map(({ host_id, episode_id }) => `${host_id}/${episode_id}`));
    for (const { host, episodeId } of this.#published) {
      if (!stored.has(`${host.hostId}/${episodeId}`)) this.#faults.push(`${host.hostId}/${episodeId} was never stored`);
      if (!existsSync(join(host.data, 'shipped', episodeId)) && !this.#mayMakeRoom(host.hostId))
        this.#faults.push(`${episodeId} is not in shipped/`);
    }
    const places = [join(store, 'incoming'), join(store, 'uploads'), ...hosts.map(({ data }) => join(data, 'outbox'))];
    const left = places.flatMap((place) => namesIn(place).map((name) => join(place, name)));
    for (const path of left) if (path !== join(store, 'uploads/idle.json')) this.#faults.push(`${path} is left`);
    return report;
  }

  #unexplained(faults: readonly string[]): string[] {
    return faults.filter((fault) => !this.#mayMakeRoom(NOT_ON_ITS_HOST.exec(fault)?.[1]));
  }

  #mayMakeRoom(hostId: string | undefined): boolean {
    return this.#fleet.hosts.some((host) => host.hostId === hostId && host.disk);
  }

  #ofPrograms(): string[] {
    return this.#fleet.programs.flatMap(({ faults }) => faults.splice(0));
  }

  #tell(line: string): void {
    this.#options.onProgress(`${String(this.#seconds).padStart(4)} s  ${line}`);
  }
}

function partition<T>(all: readonly T[], is: (each: T) => boolean): [T[], T[]] {
  return [all.filter(is), all.filter((each) => !is(each))];
}
