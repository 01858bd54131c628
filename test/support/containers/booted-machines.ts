// Machines with a real systemd each, at one switch, for a test: started from nothing in seconds, taken away with all that they left when the
// process of the test ends, or at the next start when that was killed.

import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hasSystemPart } from '../system-part.ts';
import { baseRoot } from './base-root.ts';
import { BootedMachine } from './booted-machine.ts';
import { controlGroupRoot, ownName, removeLeftovers, removeOf } from './leftovers.ts';
import { mustRun } from './run-command.ts';

/** Otherwise the test is skipped with what is missing or, in CI, fails. */
export function canBootMachines(t: TestContext): boolean {
  if (process.getuid?.() !== 0 || controlGroupRoot() === undefined) {
    const what = 'needs Linux, root and control groups (v2): sudo npm test';
    if (process.env['CI']) throw new Error(what);
    t.skip(what);
    return false;
  }
  return (
    hasSystemPart(t, ['systemd-nspawn', '--version'], 'systemd-container') &&
    hasSystemPart(t, ['debootstrap', '--version'], 'debootstrap') &&
    hasSystemPart(t, ['ip', '-V'], 'iproute2')
  );
}

interface StartOptions {
  /** Of its files, and what the others call it. */
  name: string;
  /** IPv4; all in one /24. */
  address: string;
  /** Read-only, inside: path outside. */
  binds?: Readonly<Record<string, string>>;
  /** Before its first boot, with its root directory: it is an image until then. */
  prepare?: (root: string) => Promise<void>;
}

export class BootedMachines {
  readonly #base: string;
  readonly #directory: string;
  readonly #addresses = new Map<string, string>();
  readonly #machines: BootedMachine[] = [];

  private constructor(base: string, directory: string) {
    this.#base = base;
    this.#directory = directory;
  }

  static async create(): Promise<BootedMachines> {
    removeLeftovers();
    const base = await baseRoot();
    const directory = join(tmpdir(), ownName('machines'));
    mkdirSync(directory, { recursive: true });
    process.once('exit', () => removeOf(process.pid));
    const machines = new BootedMachines(base, directory);
    await mustRun(['ip', 'netns', 'add', ownName('switch')]);
    await mustRun(['ip', '-n', ownName('switch'), 'link', 'add', 'br0', 'type', 'bridge']);
    await mustRun(['ip', '-n', ownName('switch'), 'link', 'set', 'br0', 'up']);
    return machines;
  }

  /** Resolves when it is up. Each machine knows all others by name. */
  async startMachine({ name, address, binds = {}, prepare }: StartOptions): Promise<BootedMachine> {
    const root = await this.#makeRoot(name);
    await this.#connect(name, address);
    const machine = new BootedMachine({ name, root, binds });
    this.#machines.push(machine);
    this.#addresses.set(name, address);
    machine.write('etc/hostname', `${name}\n`);
    this.#tellNames();
    await prepare?.(root);
    await machine.boot();
    return machine;
  }

  /** All of them, and all that they left. */
  async stop(): Promise<void> {
    await Promise.all(this.#machines.filter(({ isRunning }) => isRunning).map((machine) => machine.kill()));
    removeOf(process.pid);
  }

  /** The cable of a machine: pulled out, or put back. */
  async setLink(name: string, state: 'up' | 'down'): Promise<void> {
    await mustRun(['ip', '-n', ownName('switch'), 'link', 'set', `p-${name}`, state]);
  }

  async #makeRoot(name: string): Promise<string> {
    const [root = '', upper, work] = ['root', 'upper', 'work'].map((part) => join(this.#directory, name, part));
    for (const path of [root, upper, work]) mkdirSync(path ?? '', { recursive: true });
    const options = `lowerdir=${this.#base},upperdir=${upper},workdir=${work}`;
    await mustRun(['mount', '-t', 'overlay', ownName(name), '-o', options, root]);
    return root;
  }

  async #connect(name: string, address: string): Promise<void> {
    const namespace = ownName(name);
    await mustRun(['ip', 'netns', 'add', namespace]);
    const [outer, inner] = [`p-${name}`, 'host0'];
    const [sw, ns] = [ownName('switch'), namespace];
    await mustRun(['ip', '-n', sw, 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', ns]);
    await mustRun(['ip', '-n', sw, 'link', 'set', outer, 'master', 'br0', 'up']);
    await mustRun(['ip', '-n', ns, 'link', 'set', 'lo', 'up']);
    await mustRun(['ip', '-n', ns, 'address', 'add', `${address}/24`, 'dev', inner]);
    await mustRun(['ip', '-n', ns, 'link', 'set', inner, 'up']);
  }

  #tellNames(): void {
    const lines = [...this.#addresses].map(([name, address]) => `${address} ${name}\n`);
    for (const machine of this.#machines) machine.write('etc/hosts', `127.0.0.1 localhost\n${lines.join('')}`);
  }
}
