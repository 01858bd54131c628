// Several machines on one, as a lab has them: each with its own files, users, disk, network card and programs, at one switch. Real programs
// run in them under their real paths; systemctl, sudo, ssh and the like are stand-ins that really do it. Needs root and Linux.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT_ROOT } from '../program.ts';
import { until } from '../until.ts';

const HERE = import.meta.dirname;
export const SERVICE_UID = 47_490;

export interface Ran {
  code: number | null;
  stdout: string;
  /** Both streams. */
  all: string;
}

/** Why there can be none here; undefined when there can. */
export function whyNoMachines(): string | undefined {
  if (process.platform !== 'linux') return 'machines are made of Linux namespaces';
  if (process.getuid?.() !== 0) return 'machines are made by root: sudo npm run diagnosis';
  try {
    execFileSync('bash', [join(HERE, 'can-make-machines.sh')], { stdio: 'pipe' });
  } catch (error) {
    return `namespaces, bridges or mounts are not permitted here: ${String(error).split('\n')[0]}`;
  }
  return undefined;
}

export class Machines {
  readonly directory: string;
  readonly #network: ChildProcess;

  private constructor(directory: string, network: ChildProcess) {
    this.directory = directory;
    this.#network = network;
  }

  static async create(directory: string): Promise<Machines> {
    for (const name of ['wire', 'clock', 'git', 'machines']) mkdirSync(join(directory, name), { recursive: true });
    // Compiled code, of all machines that one process makes: Node keeps it for each user.
    const compiled = join(dirname(directory), 'compiled');
    mkdirSync(compiled, { recursive: true });
    chmodSync(compiled, 0o777);
    cpSync(join(HERE, 'programs'), join(directory, 'bin'), { recursive: true });
    symlinkSync('/opt/cis490/bin/cis490', join(directory, 'bin/cis490'));
    cpSync(join(HERE, 'enter.sh'), join(directory, 'wire/enter.sh'));
    writeFileSync(join(directory, 'wire/directory'), directory);
    const network = spawn('bash', [join(HERE, 'init-network.sh'), directory], { stdio: 'ignore' });
    const machines = new Machines(directory, network);
    await until(() => existsSync(join(directory, 'wire/network.pid')), 'the network of the machines is there');
    return machines;
  }

  /** Its root directory as it is seen from here; what lies on its disk, under /var/lib/cis490, is not. */
  rootOf(name: string): string {
    return join(this.directory, 'machines', name);
  }

  /** The same with what is mounted in it, its disk. */
  insideRootOf(name: string): string {
    const [network, holder] = ['network', name].map((of) => this.#pidOf(of));
    return join(`/proc/${network}/root/proc/${holder}/root`, this.rootOf(name));
  }

  /** `addresses`: of all that know each other by name; its own, too. */
  async add(name: string, addresses: Readonly<Record<string, string>>): Promise<void> {
    const address = addresses[name] ?? '';
    const etc = join(this.rootOf(name), 'etc');
    mkdirSync(etc, { recursive: true });
    for (const file of ['ld.so.cache', 'ld.so.conf']) cpSync(join('/etc', file), join(etc, file));
    writeFileSync(join(etc, 'nsswitch.conf'), 'hosts: files\npasswd: files\ngroup: files\n');
    const hosts = Object.entries(addresses).map(([host, at]) => `${at} ${host}\n`);
    writeFileSync(join(etc, 'hosts'), `127.0.0.1 localhost\n${hosts.join('')}`);
    const id = SERVICE_UID;
    const users = `root:x:0:0:root:/root:/bin/bash\ncis490:x:${id}:${id}::/nonexistent:/bin/sh\n`;
    writeFileSync(join(etc, 'passwd'), users);
    writeFileSync(join(etc, 'group'), `root:x:0:\ncis490:x:${id}:\n`);
    writeFileSync(join(etc, 'gitconfig'), '[safe]\ndirectory = *\n');
    writeFileSync(join(etc, 'machine-id'), `${Buffer.from(name).toString('hex').padEnd(32, '0')}\n`);
    writeFileSync(join(this.directory, 'wire', `${address}.name`), name);
    const script = [join(HERE, 'init-machine.sh'), this.directory, name, address, PROJECT_ROOT];
    const made = await run('nsenter', [...this.#inNetwork(), 'bash', ...script]);
    if (made.code !== 0) throw new Error(`the machine ${name} cannot be made: ${made.all}`);
    cpSync(join(PROJECT_ROOT, 'package.json'), join(this.rootOf(name), 'opt/cis490/package.json'));
    cpSync(join(HERE, 'install-lab-host.sh'), join(this.rootOf(name), 'opt/cis490/scripts/install-lab-host.sh'));
  }

  /** As root, with a shell; `-e`: it ends at the first command that fails. */
  async shell(name: string, lines: string): Promise<Ran> {
    return await this.run(name, 'bash', '-e', '-c', lines);
  }

  async run(name: string, ...command: string[]): Promise<Ran> {
    return await run('nsenter', [...this.#inNetwork(), join(this.directory, 'wire/enter.sh'), name, ...command]);
  }

  /** The same; throws with all that was printed when it fails. */
  async sure(name: string, lines: string): Promise<string> {
    const { code, stdout, all } = await this.shell(name, lines);
    if (code !== 0) throw new Error(`on ${name}, exit code ${code}:\n${lines}\n${all}`);
    return stdout;
  }

  /** At the switch, which belongs to nobody's machine. */
  async atSwitch(lines: string): Promise<void> {
    const ran = await run('nsenter', [...this.#inNetwork(), 'bash', '-e', '-c', lines]);
    if (ran.code !== 0) throw new Error(ran.all);
  }

  /** A file on the machine, outside of its disk. */
  write(name: string, path: string, text: string): void {
    const file = join(this.rootOf(name), path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }

  /** The same, for the service alone. */
  writeSecret(name: string, path: string, text: string): void {
    this.write(name, path, text);
    const file = join(this.rootOf(name), path);
    chmodSync(file, 0o600);
    chownSync(file, SERVICE_UID, SERVICE_UID);
  }

  /** The wall clocks of all machines, against the true one. */
  setClocks(offMs: number): void {
    const file = join(this.directory, 'clock/off-ms');
    writeFileSync(`${file}.new`, String(offMs));
    renameSync(`${file}.new`, file);
  }

  /** All of their processes end with the first of them. */
  async close(): Promise<void> {
    if (this.#network.exitCode !== null || this.#network.signalCode !== null) return;
    const ended = once(this.#network, 'close');
    this.#network.kill('SIGKILL');
    await ended;
  }

  #inNetwork(): string[] {
    return ['-t', this.#pidOf('network'), '-m', '-n', '-p'];
  }

  /** Of what holds its namespaces: the network's as it is here, a machine's as it is in the network. */
  #pidOf(name: string): string {
    return readFileSync(join(this.directory, `wire/${name}.pid`), 'utf8').trim();
  }
}

function run(command: string, args: string[]): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, all] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    all += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  child.on('error', reject).on('close', (code) => resolve({ code, stdout, all }));
  return promise;
}
