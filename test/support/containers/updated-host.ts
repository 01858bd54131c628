// A lab host in a container, as an update sees it: what is in force, what is on trial, and its updater, which can be stopped dead at a step.

import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type UpdateState, updateStateSchema } from '../../../src/protocol/update-state.ts';
import { until } from '../until.ts';
import type { BootedMachine } from './booted-machine.ts';
import { controlGroupRoot, ownName } from './leftovers.ts';

const UPDATER = 'cis490-autoupdate.service';

export type Reached = 'downloading' | 'unpacking' | 'placed' | 'switched' | 'watching' | 'going-back';

export class UpdatedHost {
  readonly machine: BootedMachine;

  constructor(machine: BootedMachine) {
    this.machine = machine;
  }

  /** The commit that is in force; throws where the link leads to nothing. */
  get current(): string {
    const root = this.machine.insideRoot;
    const target = readlinkSync(join(root, 'opt/cis490/current'));
    if (!existsSync(join(root, 'opt/cis490', target, 'bin/cis490'))) throw new Error(`current dangles: ${target}`);
    return basename(target);
  }

  get state(): UpdateState {
    const path = join(this.machine.root, 'var/lib/cis490/update-state.json');
    return existsSync(path) ? updateStateSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : {};
  }

  /** Names in releases/, without what begins with a dot. */
  get releases(): string[] {
    return this.#inReleases().filter((name) => !name.startsWith('.'));
  }

  /** Of a download or a tree that is not done. */
  get leftovers(): string[] {
    const trees = this.#inReleases().filter((name) => name.startsWith('.unpack-'));
    return [...trees, ...this.#inReleases('.incoming')];
  }

  /** One run, as the timer starts it, to its end; what it logged. */
  async update(): Promise<{ code: number | null; log: string }> {
    const { code } = await this.machine.run('systemctl', 'start', UPDATER);
    return { code, log: await this.log() };
  }

  /** Of its last run. */
  async log(): Promise<string> {
    return await this.machine.sure(
      `journalctl --sync; journalctl -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID ${UPDATER})`,
    );
  }

  async property(unit: string, name: string): Promise<string> {
    return (await this.machine.sure(`systemctl show -P ${name} ${unit}`)).trim();
  }

  /** A run is begun, and goes on from here until it has come so far. */
  async beginUpdate(to: string, step: Reached): Promise<void> {
    await this.machine.sure(`systemctl start --no-block ${UPDATER}`);
    await until(() => this.#hasReached(to, step), `${this.machine.name} is ${step}`);
  }

  /** SIGKILL of all its processes at once. */
  async killUpdater(): Promise<void> {
    writeFileSync(join(this.#group(), 'cgroup.kill'), '1');
    await this.machine.until(['systemctl', 'is-active', UPDATER], /^(failed|inactive)$/m);
  }

  /** Stands still, as it is, until it is thawed. */
  freezeUpdater(isFrozen: boolean): void {
    writeFileSync(join(this.#group(), 'cgroup.freeze'), isFrozen ? '1' : '0');
  }

  async #hasReached(to: string, step: Reached): Promise<boolean> {
    switch (step) {
      case 'downloading':
        return this.#inReleases('.incoming').length > 0;
      case 'unpacking':
        return this.#inReleases().includes(`.unpack-${to}`);
      case 'placed':
        return this.#inReleases().includes(to);
      case 'switched':
        return this.current === to;
      case 'watching':
        return /update: watching/.test(await this.log());
      case 'going-back':
        return this.state.trial?.back !== undefined;
    }
  }

  /** As the machine sees it, also where another file system was put over it. */
  #inReleases(below = ''): string[] {
    const path = join(this.machine.insideRoot, 'opt/cis490/releases', below);
    return existsSync(path) ? readdirSync(path) : [];
  }

  #group(): string {
    const machine = join(controlGroupRoot() ?? '', ownName(this.machine.name));
    const groups = ['', 'payload'].map((below) => join(machine, below, 'system.slice', UPDATER));
    const group = groups.find((path) => existsSync(path));
    if (group === undefined) throw new Error(`${UPDATER} of ${this.machine.name} does not run`);
    return group;
  }
}
