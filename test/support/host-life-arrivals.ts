// The three ways in which a bare machine becomes a lab host, as the documentation has them, with kills and power cuts on the way.

import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootedMachine } from './containers/booted-machine.ts';
import { mustRun } from './containers/run-command.ts';
import { asService, type Enrolment, type HostLifeLab, IDENTITY, killService, seen } from './host-life-lab.ts';
import { pageCommands } from './page-commands.ts';
import { until } from './until.ts';

export const SEED = '/boot/cis490-seed.toml';

/** Not what a link leads to: that is a path of the machine's. */
function isThere(host: BootedMachine, path: string): boolean {
  return lstatSync(join(host.root, path), { throwIfNoEntry: false }) !== undefined;
}

/** docs/bootstrap.md as it stands, cut off by the power and killed, and pasted again after each. */
export async function overHttp(lab: HostLifeLab, name: string): Promise<void> {
  const host = await lab.startHost({ name, address: '10.49.3.11' });
  assert.equal((await host.run('sh', '-c', 'command -v node npm cis490')).stdout, '');
  const lines = `${lab.bareCommands(name, await lab.enrolment(name)).trimEnd()} --with-telemetry\n`;
  const unpacking = `opt/cis490/releases/.unpack-${lab.release.commit}`;
  const first = asService(host, 'first', lines);
  assert.ok(await seen(() => isThere(host, unpacking) || isThere(host, 'opt/cis490/current'), first), 'it unpacks');
  await host.kill();
  await first;
  await host.boot();

  const second = asService(host, 'second', lines);
  const isKilled = () => isThere(host, 'opt/cis490/current') && killService(host, 'second.service');
  assert.ok(await seen(isKilled, second), 'the release is in force');
  assert.notEqual((await second).code, 0);

  assert.match(await host.sure(lines), new RegExp(`${name} is a lab host of https://receiver:8443`));
}

/** An image with the program and a seed. Its bootstrap unit is killed at each of its steps, and the power cut at one. Resolves to what it enrolled with. */
export async function fromImage(lab: HostLifeLab, name: string): Promise<Enrolment> {
  const installer = join(lab.unpacked, 'scripts/install-lab-host.sh');
  const prepare = async (root: string) => void (await mustRun([installer, '--root', root]));
  const host = await lab.startHost({ name, address: '10.49.3.12', prepare });
  await host.kill();
  const enrolment = await lab.enrolment(name);
  writeSeed(lab, host, enrolment);
  host.write('etc/systemd/system/cis490-bootstrap.service.d/short.conf', '[Service]\nRestartSec=1\n');
  let booted = host.boot();
  const spent = until(() => host.read(SEED).includes('token_used_at'), `${name} is set up`);
  for (const [what, condition] of [
    ['authority', () => isThere(host, `${IDENTITY}/ca.crt`)],
    ['key', () => isThere(host, `${IDENTITY}/next/host.key`) || isThere(host, `${IDENTITY}/1`)],
    ['certificate', () => isThere(host, `${IDENTITY}/1/host.crt`)],
    ['power', () => host.read('etc/cis490/lab-host.toml').includes('receiver:8443')],
    ['units', () => isThere(host, 'etc/systemd/system/multi-user.target.wants/cis490-shipper.service')],
  ] as const) {
    assert.ok(await seen(condition, spent), what);
    if (what === 'power') {
      await host.kill();
      booted = host.boot();
    } else killService(host, 'cis490-bootstrap.service');
  }
  await Promise.all([booted, spent]);
  assert.doesNotMatch(host.read(SEED), /cis490_enrol_/);
  return enrolment;
}

export function writeSeed(lab: HostLifeLab, host: BootedMachine, { token, ca_fingerprint }: Enrolment): void {
  const facts = { receiver: 'https://receiver:8443', token, ca_fingerprint, host_id: host.name };
  const lines = Object.entries(facts).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  host.write(SEED, `${lines.join('')}release_keys = ["${lab.release.key}"]\nwith_telemetry = true\n`, 0o600);
}

/** docs/bootstrap.md as it stands; first with the token of `used`, that another machine has enrolled with. */
export async function fromStick(lab: HostLifeLab, name: string, used: { name: string } & Enrolment): Promise<void> {
  const stick = (root: string) => cp(lab.release.directory, join(root, 'media/stick'), { recursive: true });
  const host = await lab.startHost({ name, address: '10.49.3.13', prepare: stick });
  const commands = (host_id: string) =>
    pageCommands('bootstrap.md', 'From a USB stick', {
      'receiver.example:8443': 'receiver:8443',
      FINGERPRINT: used.ca_fingerprint,
      'lab-07': host_id,
    })[0] ?? '';
  host.write('media/stick/enrolment.token', `${used.token}\n`);
  const refused = await host.run('bash', '-e', '-c', commands(used.name));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /does not take the enrolment token: .*has enrolled another key/);
  assert.match(refused.stderr, new RegExp(`on the receiver: cis490 ca token --host ${used.name}`));

  host.write('media/stick/enrolment.token', `${(await lab.enrolment(name)).token}\n`);
  assert.match(await host.sure(`rm -r release\n${commands(name)}`), new RegExp(`${name} is a lab host of`));
}
