// The fleet that is soaked: one receiver and many shippers, real programs in a directory, each shipper behind a link of its own.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SteppingClock } from '../support/fake-clock.ts';
import { GOOD_COMMIT, STALE_COMMIT, TestFleet, type TestHost } from '../support/fleet.ts';
import { namesIn } from '../support/nothing-lost.ts';
import { Program } from '../support/program.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';
import { type Link, openLink, planLink } from './link-plan.ts';
import { SoakProgram } from './soak-program.ts';

const ALL_COMMITS = [GOOD_COMMIT, STALE_COMMIT];
const SHIPPER_READY = /shipper started/;
const ROOM = '1 MiB';
// Every so many hosts …
const HAS_WRONG_CLOCK = 4;
const UPLOADS_RESUMABLY = 2;
const HAS_SMALL_DISK = 4;
/** Of a host's own disk, until it is full: more than a run records. */
export const ROOMY = '16g';

export interface SoakHost extends TestHost {
  shipper: SoakProgram;
  /** Undefined where its clock is the machine's. */
  clock: SteppingClock | undefined;
  /** Undefined where its data is on the disk of all. */
  disk: SmallDisk | undefined;
}

/** What the receiver's configuration says now. */
export interface ReceiverSettings {
  commits: readonly string[];
  minFree: string;
  hasMistake: boolean;
}

export class SoakFleet {
  readonly store: string;
  readonly hosts: readonly SoakHost[];
  readonly receiver: SoakProgram;
  readonly #fleet: TestFleet;
  readonly #random: () => number;
  readonly #links = new Map<string, Link>();
  #settings: ReceiverSettings = { commits: ALL_COMMITS, minFree: ROOM, hasMistake: false };
  /** How many connections of a shipper's next life have a fault planned. */
  plannedConnections = 12;

  private constructor(fleet: TestFleet, hosts: number, random: () => number) {
    this.#fleet = fleet;
    this.#random = random;
    this.store = fleet.store;
    this.receiver = new SoakProgram('receiver', /receiver is listening/, async () => fleet.spawnReceiver());
    const canFakeTime = spawnSync('faketime', ['--version'], { stdio: 'ignore' }).status === 0;
    this.hosts = Array.from({ length: hosts }, (_, index) => {
      const hostId = `lab-${String(index + 1).padStart(2, '0')}`;
      // Not those with a clock of their own.
      const hasOwnDisk = index % HAS_SMALL_DISK === 1;
      const disk = hasOwnDisk ? SmallDisk.tryMount(join(fleet.root, hostId), ROOMY) : undefined;
      const host = fleet.addHost(hostId);
      const hasOwnClock = canFakeTime && index % HAS_WRONG_CLOCK === 0;
      const clock = hasOwnClock ? new SteppingClock(join(fleet.root, `${hostId}.clock`), '+0') : undefined;
      const shipper = new SoakProgram(hostId, SHIPPER_READY, () => this.#startShipper(host, index, clock));
      return { ...host, shipper, clock, disk };
    });
  }

  static async create(root: string, hosts: number, random: () => number): Promise<SoakFleet> {
    const fleet = new SoakFleet(await TestFleet.create(root), hosts, random);
    fleet.configure({});
    return fleet;
  }

  get programs(): SoakProgram[] {
    return [this.receiver, ...this.hosts.map(({ shipper }) => shipper)];
  }

  get settings(): ReceiverSettings {
    return this.#settings;
  }

  /** Writes the receiver's configuration; in force at its next start or SIGHUP. */
  configure(change: Partial<ReceiverSettings>): void {
    this.#settings = { ...this.#settings, ...change };
    const { commits, minFree, hasMistake } = this.#settings;
    const lines = [
      `[listen]\nport = ${this.#fleet.port}`,
      `[store]\nroot = "${this.store}"\nmin_free = "${minFree}"`,
      `[version_gate]\ncommits = ${JSON.stringify(commits)}`,
      ...(hasMistake ? ['windoww = 7'] : []),
    ];
    writeFileSync(this.#fleet.receiverConfig, `${lines.join('\n')}\n`);
  }

  async startAll(): Promise<void> {
    await this.receiver.start();
    await this.receiver.ready();
    for (const { shipper } of this.hosts) await shipper.start();
  }

  /** All at once, as when the power of a laboratory fails. */
  async restartShippers(): Promise<void> {
    await Promise.all(this.hosts.map(({ shipper }) => shipper.kill()));
    for (const { shipper } of this.hosts) await shipper.start();
    await Promise.all(this.hosts.map(({ shipper }) => shipper.ready()));
  }

  /** No program of the fleet outlives this. */
  async killAll(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.kill()));
    this.closeLinks();
  }

  /** With all programs ended: what is left is a directory like any other. */
  dissolveDisks(): void {
    for (const { disk } of this.hosts) disk?.dissolve();
  }

  closeLinks(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** The receiver trusts all code, and says so itself; or `stop` has come. */
  async trustsAll(stop: AbortSignal): Promise<void> {
    this.configure({ commits: ALL_COMMITS, minFree: ROOM, hasMistake: false });
    this.receiver.signal('SIGHUP');
    await until(
      async () => stop.aborted || ((await this.#accepts(GOOD_COMMIT)) && (await this.#accepts(STALE_COMMIT))),
      'the receiver trusts all code again',
    );
  }

  /** What the gate refused goes back into the queue, by the command that an operator would use. Resolves with how many hosts had any. */
  async requeueAll(): Promise<number> {
    const refused = this.hosts.filter(({ data }) => namesIn(join(data, 'quarantine')).length > 0);
    for (const { config, hostId, disk } of refused) {
      const command = Program.cis490(['quarantine', 'requeue', '--all', '--config', config]);
      const { code } = await command.ended;
      // It moves nothing without its row in the history: the next one does.
      if (code === 1 && disk?.isShrunk && /^cis490: no room left while writing/.test(command.stderr)) continue;
      if (code !== 0) throw new Error(`${hostId}: quarantine requeue ended with ${code}:\n${command.stderr}`);
    }
    return refused.length;
  }

  async #accepts(commit: string): Promise<boolean> {
    const answer = await fetch(`${this.#fleet.url}/v1/version-gate?commit=${commit}`);
    const { verdict } = (await answer.json()) as { verdict?: string };
    return verdict === 'accepted';
  }

  /** Each life has a link of its own: what the one before left half-open is gone with it. */
  async #startShipper(host: TestHost, index: number, clock: SteppingClock | undefined): Promise<Program> {
    this.#links.get(host.hostId)?.close();
    const link = await openLink(this.#fleet.port, planLink(this.#random, this.plannedConnections));
    this.#links.set(host.hostId, link);
    writeFileSync(host.config, shipperToml(host, link.url, index));
    return Program.cis490(['shipper', '--config', host.config], clock?.environment ?? {});
  }
}

/** Short time-outs, so that a stalled link costs seconds; everything else as deployed. */
function shipperToml({ hostId, data }: TestHost, url: string, index: number): string {
  return [
    `host_id = "${hostId}"`,
    `[paths]\ndata_dir = "${data}"`,
    `[receiver]\nurl = "${url}"\nconnect_timeout_s = 5\nidle_timeout_s = 5`,
    `[shipper]\nscan_interval_s = 1\nmin_free = "1 MiB"`,
    ...(index % UPLOADS_RESUMABLY === 0 ? ['resumable_above = "64 KiB"'] : []),
    '',
  ].join('\n');
}
