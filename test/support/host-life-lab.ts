// A receiver with its own authority, and lab hosts that come to it, on machines with a real systemd: what the tests of a host's life share.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootedMachine } from './containers/booted-machine.ts';
import { BootedMachines } from './containers/booted-machines.ts';
import { controlGroupRoot, ownName } from './containers/leftovers.ts';
import { mustRun, type Ran } from './containers/run-command.ts';
import { buildOwnRelease, type OwnRelease } from './own-release.ts';
import { pageCommands } from './page-commands.ts';
import { until } from './until.ts';

const LOOK_EVERY_MS = 1;
const STORE = '/var/lib/cis490';
export const IDENTITY = '/var/lib/cis490/identity';

export interface Enrolment {
  token: string;
  ca_fingerprint: string;
}

export class HostLifeLab {
  readonly machines: BootedMachines;
  readonly receiver: BootedMachine;
  readonly release: OwnRelease;
  /** The release's tree, on this machine. */
  readonly unpacked: string;
  readonly hosts: BootedMachine[] = [];

  private constructor(machines: BootedMachines, receiver: BootedMachine, release: OwnRelease, unpacked: string) {
    this.machines = machines;
    this.receiver = receiver;
    this.release = release;
    this.unpacked = unpacked;
  }

  /** The receiver's machine with the release on it, and nothing installed. `work`: an empty directory. */
  static async create(work: string): Promise<HostLifeLab> {
    const bundles = join(work, 'release-1');
    mkdirSync(bundles);
    const machines = await BootedMachines.create();
    const [receiver, release] = await Promise.all([
      machines.startMachine({ name: 'receiver', address: '10.49.3.1', binds: { '/root/release-1': bundles } }),
      buildOwnRelease(work, bundles),
    ]);
    const unpacked = join(work, 'release');
    mkdirSync(unpacked);
    const [bundle = ''] = readdirSync(bundles).filter((name) => name.endsWith('.tar.zst'));
    await mustRun(['tar', '--zstd', '-xf', join(bundles, bundle), '-C', unpacked]);
    return new HostLifeLab(machines, receiver, release, unpacked);
  }

  async startHost(options: Parameters<BootedMachines['startMachine']>[0]): Promise<BootedMachine> {
    const host = await this.machines.startMachine(options);
    this.hosts.push(host);
    return host;
  }

  /** As docs/deploy.md and docs/certificates.md have it, down to the doctor's verdict. */
  async installReceiver(): Promise<string> {
    const { receiver, release } = this;
    await receiver.sure(`mkdir release
tar --zstd -xf release-1/cis490-*.tar.zst -C release
sudo release/scripts/install-receiver.sh
sudo cis490 ca init --name receiver`);
    receiver.write('root/receiver.toml', receiverConfiguration(release.commit));
    const said = await receiver.sure(`sudo install -m 640 /root/receiver.toml /etc/cis490/receiver.toml
sudo /opt/cis490/scripts/install-receiver.sh
sudo cis490 release publish release-1
(umask 077; cis490 token create --role reader > ~/cis490-reader.token)`);
    return said;
  }

  async enrolment(host: string): Promise<Enrolment> {
    return JSON.parse(await this.receiver.sure(`sudo cis490 ca token --host ${host} --json`));
  }

  /** How long certificates are good for that are issued from now on. */
  async certificatesLast(lifetime: string): Promise<void> {
    const { receiver } = this;
    const readings = async () =>
      (await receiver.sure('journalctl -u cis490-receiver -o cat')).split('certificates read again').length;
    const before = await readings();
    await receiver.sure(`sed -i 's/^host_lifetime_days = .*/host_lifetime_days = "${lifetime}"/' /etc/cis490/receiver.toml
sudo systemctl reload cis490-receiver`);
    await until(async () => (await readings()) > before, 'the receiver has read its configuration');
  }

  /** The commands of docs/bootstrap.md for a machine with nothing but curl and openssl. */
  bareCommands(host: string, { token, ca_fingerprint }: Enrolment): string {
    const facts = {
      'receiver.example:8443': 'receiver:8443',
      FINGERPRINT: ca_fingerprint,
      TOKEN: token,
      'lab-07': host,
    };
    return pageCommands('bootstrap.md', 'From the receiver, with nothing but curl and openssl', facts).join('');
  }

  /** How `cis490 fleet` on the receiver has the host. */
  async hostInFleet(host: string): Promise<{ state: string; doctor: string | undefined }> {
    const text = await this.receiver.sure('cis490 fleet --token-file ~/cis490-reader.token --json');
    const found = JSON.parse(text).hosts.find((one: { host_id: string }) => one.host_id === host);
    return { state: found?.state, doctor: found?.doctor?.status };
  }

  countStored(host: string): number {
    const directory = join(this.receiver.root, STORE, 'episodes', host);
    return existsSync(directory) ? readdirSync(directory).length : 0;
  }

  /** Until there are that many more than now. */
  async stores(host: string, more = 1): Promise<void> {
    const before = this.countStored(host);
    await until(() => this.countStored(host) >= before + more, `${host} stores ${more} more than ${before}`);
  }
}

function receiverConfiguration(commit: string): string {
  return `[listen]
host = "0.0.0.0"
port = 8443

[listen.tls]
cert_file = "${STORE}/ca/server/server.crt"
key_file = "${STORE}/ca/server/server.key"
client_ca_file = "${STORE}/ca/trusted.crt"

[store]
min_free = "1 MiB"

[version_gate]
commits = ["${commit}"]

[certificates]
host_lifetime_days = "90 days"

[fleet]
expected_hosts = ["lab-1", "lab-2"]
`;
}

/** Records an episode each two seconds, in place of one in five minutes; what was being recorded ends. */
export async function recordQuickly(host: BootedMachine): Promise<void> {
  await host.sure(`sed -i -e 's|"--duration", "300"|"--duration", "1"|' -e 's|^interval_s = "5 min"|interval_s = "2 s"|' /etc/cis490/lab-host.toml
systemctl kill --signal=KILL cis490-orchestrator
systemctl restart cis490-orchestrator`);
}

/** SIGKILL to all of a service's processes, from outside of the machine: nothing of it runs in between. */
export function killService({ name }: BootedMachine, unit: string): boolean {
  const group = join(controlGroupRoot() ?? '', ownName(name), 'payload/system.slice', unit, 'cgroup.procs');
  if (!existsSync(group)) return false;
  const pids = readFileSync(group, 'utf8').split('\n').filter(Boolean).map(Number);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  return pids.length > 0;
}

/** Until it is seen; false when `over` came first. */
export async function seen(condition: () => boolean, over: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  // What it failed with is told to whoever waits for it.
  over.then(end, end);
  for (;;) {
    if (condition()) return true;
    if (isOver) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** A shell's lines as a service of their own, so that `killService` can end all of it. */
export async function asService(machine: BootedMachine, unit: string, lines: string): Promise<Ran> {
  const shell = ['bash', '-e', '-o', 'pipefail', '-c', lines];
  return await machine.run('systemd-run', '--quiet', '--wait', '--pipe', '--collect', `--unit=${unit}`, ...shell);
}
