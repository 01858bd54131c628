// One machine with a real systemd as its first process, in a container: its own files (an overlay of the base root), its own network card,
// restarts and power cuts. Files that were written are there after each of those.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from '../until.ts';
import { controlGroupRoot, endGroup, ownName } from './leftovers.ts';
import { mustRun, type Ran, runCommand } from './run-command.ts';

const ENVIRONMENT = [
  'HOME=/root',
  'LANG=C.UTF-8',
  'NO_COLOR=1',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];
// What systemd-nspawn ends with when the machine inside restarts itself.
const RESTARTS = 133;

export interface MachinePlace {
  name: string;
  /** The merged root directory. */
  root: string;
  /** Read-only, inside: path outside. */
  binds: Readonly<Record<string, string>>;
}

export class BootedMachine {
  readonly name: string;
  /** Its files as they are seen from here. /tmp and /run are its own. */
  readonly root: string;
  readonly #binds: Readonly<Record<string, string>>;
  #container: ChildProcess | undefined;
  #console = '';
  #leader = 0;

  constructor({ name, root, binds }: MachinePlace) {
    this.name = name;
    this.root = root;
    this.#binds = binds;
  }

  /** Resolves when systemd has started all that it is to start. */
  async boot(): Promise<void> {
    const group = this.#groupPath();
    mkdirSync(group, { recursive: true });
    const binds = Object.entries(this.#binds).map(([inside, outside]) => `--bind-ro=${outside}:${inside}`);
    const nspawn = `
      echo $$ >"$1/cgroup.procs"
      shift
      exec systemd-nspawn --register=no --keep-unit --settings=no --quiet --console=pipe --boot "$@"`;
    const script = ['sh', '-e', '-c', nspawn, '-', group, `--machine=${this.name}`, `--directory=${this.root}`];
    const network = `--network-namespace-path=/run/netns/${ownName(this.name)}`;
    // It ends with this process, however that ends.
    const container = spawn('setpriv', ['--pdeathsig', 'KILL', ...script, network, ...binds], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    });
    this.#container = container;
    this.#console = '';
    for (const stream of [container.stdout, container.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#console = (this.#console + text).slice(-20_000);
      });
    await until(() => {
      if (container.exitCode !== null) throw new Error(this.#console);
      this.#leader = findLeader(container.pid ?? 0);
      return this.#leader !== 0;
    }, `${this.name} has a first process`);
    await this.until(['systemctl', 'is-system-running'], /^(running|degraded)$/m);
  }

  /** As root, in all of its namespaces. */
  async run(...command: string[]): Promise<Ran> {
    return await runCommand([...this.#enter(), ...command]);
  }

  /** Lines of a shell, as a person pastes them. `stdout`; throws with all that was printed at the first command that fails. */
  async sure(lines: string): Promise<string> {
    return await mustRun([...this.#enter(), 'bash', '-e', '-o', 'pipefail', '-c', lines]);
  }

  /** Until what the command prints matches, whatever its exit code. */
  async until(command: readonly string[], pattern: RegExp): Promise<void> {
    let last = '';
    try {
      await until(
        async () => {
          const { stdout, stderr } = await this.run(...command);
          last = stdout + stderr;
          return pattern.test(last);
        },
        `${command.join(' ')} on ${this.name} prints ${pattern}`,
      );
    } catch (error) {
      throw new Error(`${error}\nlast: ${last}\nconsole: ${this.#console.slice(-2_000)}`);
    }
  }

  /** Under its own name in the merged root, owned by root. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  exists(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** As the machine itself restarts: its programs are told to end, and those that are enabled come back. */
  async reboot(): Promise<void> {
    const ended = this.#ended();
    // The answer may be cut off by what it asks for.
    await this.run('systemctl', 'reboot');
    const code = await ended;
    if (code !== RESTARTS) throw new Error(`${this.name} ended with ${code} in place of a restart: ${this.#console}`);
    this.#clear();
    await this.boot();
  }

  /** A power cut: everything that runs in it is killed at once. `boot` brings it back. */
  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#container?.kill('SIGKILL');
    if (this.#leader !== 0) signal(this.#leader);
    await ended;
    this.#clear();
  }

  /** Its files as its own processes see them, with what was mounted inside; while it runs. */
  get insideRoot(): string {
    return this.#leader === 0 ? this.root : `/proc/${this.#leader}/root`;
  }

  get isRunning(): boolean {
    return this.#container !== undefined;
  }

  async #ended(): Promise<number | null> {
    const container = this.#container;
    if (!container) throw new Error(`${this.name} does not run`);
    if (container.exitCode !== null || container.signalCode !== null) return container.exitCode;
    const [code] = await once(container, 'close');
    return code;
  }

  #clear(): void {
    this.#container = undefined;
    this.#leader = 0;
    endGroup(this.#groupPath());
  }

  #groupPath(): string {
    return join(controlGroupRoot() ?? '', ownName(this.name));
  }

  #enter(): string[] {
    if (this.#leader === 0) throw new Error(`${this.name} does not run`);
    return ['nsenter', '-t', String(this.#leader), '-a', '--', 'env', '-i', '-C', '/root', ...ENVIRONMENT];
  }
}

/** The process that is the first one in a process namespace of its own, below `pid`; 0 when there is none yet. */
function findLeader(pid: number): number {
  for (const child of childrenOf(pid)) {
    const status = readIfThere(`/proc/${child}/status`);
    if (/^NSpid:\t\d+\t1$/m.test(status) && /^Name:\t(systemd|init)$/m.test(status)) return child;
    const below = findLeader(child);
    if (below !== 0) return below;
  }
  return 0;
}

function childrenOf(pid: number): number[] {
  const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  const lists = tasks.map((task) => readIfThere(`/proc/${pid}/task/${task}/children`));
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended meanwhile.
    return '';
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with its container.
  }
}
