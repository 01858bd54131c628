// The documented installation on real machines with a real systemd: from nothing to stored episodes, again without a change, through restarts
// and a stall, and away again.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import type { BootedMachine } from '../support/containers/booted-machine.ts';
import { BootedMachines, canBootMachines } from '../support/containers/booted-machines.ts';
import { makeReleaseTree } from '../support/containers/release-tree.ts';
import { mustRun } from '../support/containers/run-command.ts';
import { stepsInOrder } from '../support/in-order.ts';
import { pageCommands, pageToml } from '../support/page-commands.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const TREE = '/root/cis490';
const LAB_HOSTS = ['lab-1', 'lab-2'] as const;

const tree = join(makeDirectory(), 'tree');
let machines: BootedMachines | undefined;
let receiver: BootedMachine;
let hosts: readonly BootedMachine[] = [];

const can = canBootMachines({ skip: () => undefined } as unknown as TestContext);

before(async () => {
  if (!can) return;
  makeReleaseTree(tree, COMMIT);
  machines = await BootedMachines.create();
  const start = (name: string, address: string) => machines?.startMachine({ name, address, binds: { [TREE]: tree } });
  const started = await Promise.all([
    start('receiver', '10.49.1.1'),
    start('lab-1', '10.49.1.11'),
    start('lab-2', '10.49.1.12'),
  ]);
  [receiver, ...hosts] = started.filter((machine) => machine !== undefined) as [BootedMachine, ...BootedMachine[]];
});
after(async () => await machines?.stop());

const dropInOf = (unit: string) => `etc/systemd/system/${unit}.service.d/short.conf`;

const step = stepsInOrder();

step('a receiver: installed as a template first, told what to edit, and running after that', async () => {
  const first = await receiver.sure(`${TREE}/scripts/install-receiver.sh`);
  assert.match(first, /What is left: edit \/etc\/cis490\/receiver\.toml: it is still the template/);
  assert.match(await stateOf(receiver, 'cis490-receiver.service'), /disabled inactive/);

  await receiver.sure('umask 077; openssl rand -hex 32 >/root/fleet-token');
  await receiver.sure(`echo 'foo = 1' >/etc/cis490/receiver.toml`);
  const mistaken = await receiver.run('/opt/cis490/scripts/install-receiver.sh');
  assert.equal(mistaken.code, 1);
  assert.match(mistaken.stdout, /receiver\.toml:1: foo: found an unknown key/);

  const digest = (await receiver.sure('printf %s "$(cat /root/fleet-token)" | sha256sum')).slice(0, 64);
  const toml = `[listen]\nhost = "0.0.0.0"\n[store]\nmin_free = "1 MiB"\n[auth]\nfleet_token_sha256 = "${digest}"
[version_gate]\ncommits = ["${COMMIT}"]\n[fleet]\nexpected_hosts = ["lab-1", "lab-2"]\n`;
  await receiver.sure(`cat >/etc/cis490/receiver.toml <<'END'\n${toml}END`);
  const second = await receiver.sure('/opt/cis490/scripts/install-receiver.sh');
  assert.match(second, /this receiver is green/);
  for (const unit of ['cis490-receiver.service', 'cis490-fleet-health.timer', 'cis490-doctor-check.timer'])
    assert.match(await stateOf(receiver, unit), /enabled active/, unit);
});

step('lab hosts: installed with telemetry, and what they record is stored', async () => {
  const token = await receiver.sure('cat /root/fleet-token');
  await Promise.all(
    hosts.map(async (host) => {
      await host.sure(`${TREE}/scripts/install-lab-host.sh --with-telemetry`);
      assert.match(host.read('etc/cis490/lab-host.toml'), new RegExp(`^host_id = "${host.name}"$`, 'm'));
      host.write('root/fleet-token', token, 0o600);
      await host.sure(`install -m 600 -o cis490 /root/fleet-token /etc/cis490/fleet-token
sed -i -e 's|^url = .*|url = "http://receiver:8490"|' -e 's|^# bearer_token_file = .*|bearer_token_file = "fleet-token"|' \
  -e 's|"--duration", "300"|"--duration", "1"|' -e 's|^interval_s = "5 min"|interval_s = "2 s"|' \
  -e 's|^# min_free = .*|min_free = "1 MiB"|' /etc/cis490/lab-host.toml`);
      const said = await host.sure('sudo /opt/cis490/scripts/install-lab-host.sh');
      assert.match(said, new RegExp(`${host.name} is (green|yellow)`));
      for (const unit of ['cis490-shipper.service', 'cis490-doctor-check.timer', 'cis490-update-guard.timer'])
        assert.match(await stateOf(host, unit), /enabled active/, unit);
      assert.match(await stateOf(host, 'cis490-autoupdate.timer'), /disabled inactive/);
    }),
  );
  await Promise.all(LAB_HOSTS.map((name) => stored(name)));
  // The first report comes with the installation, through the unit that the timer starts each day.
  await receiver.until(['ls', '/var/lib/cis490/host-health'], /lab-1\.json\nlab-2\.json/);
  assert.match(
    await receiver.sure('systemctl start cis490-fleet-health && journalctl -u cis490-fleet-health -o cat'),
    /2 hosts checked/,
  );
});

step('installed once more: nothing is written anew', async () => {
  const [host] = hosts;
  assert.ok(host);
  const look = `find /etc/systemd/system /etc/cis490 /opt/cis490 /usr/local/bin -not -path '*/node_modules/*' -printf '%p %i %T@ %m %U:%G %l\\n' | sort`;
  const earlier = await host.sure(look);
  const said = await host.sure('/opt/cis490/scripts/install-lab-host.sh --with-telemetry');
  assert.doesNotMatch(said, /^(wrote|linked|unit|puts)/m);
  const [was, is] = [earlier, await host.sure(look)].map((text) => new Set(text.split('\n')));
  assert.deepEqual([...(is?.symmetricDifference(was ?? new Set()) ?? [])], []);
});

step('each machine restarts, one of them by a power cut, and all is back', async () => {
  const earlier = await Promise.all(LAB_HOSTS.map((name) => countStored(name)));
  await Promise.all([receiver.reboot(), hosts[0]?.reboot(), hosts[1]?.kill().then(() => hosts[1]?.boot())]);
  await Promise.all(LAB_HOSTS.map((name, index) => stored(name, earlier[index])));
  for (const machine of [receiver, ...hosts])
    assert.equal((await machine.sure('systemctl --failed --plain --no-legend')).trim(), '');
});

step('a shipper or a receiver that stands still is started anew by the watchdog', async () => {
  const [host] = hosts;
  assert.ok(host);
  const services: [BootedMachine, string][] = [
    [host, 'cis490-shipper'],
    [receiver, 'cis490-receiver'],
  ];
  for (const [machine, unit] of services) {
    machine.write(dropInOf(unit), '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\nRestartSec=1\n');
    await machine.sure(`systemctl daemon-reload; systemctl restart ${unit}`);
    const property = async (name: string) => (await machine.sure(`systemctl show -P ${name} ${unit}`)).trim();
    const pid = await property('MainPID');
    await machine.sure(`kill -STOP ${pid}`);
    await until(async () => !['0', pid].includes(await property('MainPID')), `another process of ${unit} runs`);
    assert.match(await machine.sure(`journalctl -u ${unit} -o cat`), /Watchdog timeout/);
    machine.write(dropInOf(unit), '');
  }
  await stored('lab-1', await countStored('lab-1'));
});

step('the page of metrics: a shipper that may write where node_exporter reads', async () => {
  const [, host] = hosts;
  assert.ok(host);
  // As Debian's package makes it.
  const directory = '/var/lib/prometheus/node-exporter';
  await host.sure(`mkdir -p ${directory}`);
  const toml = pageToml('metrics.md', "A lab host's own, by node_exporter").split('\n').slice(1).join('\n');
  await host.sure(`sed -i '/^\\[shipper\\]/r /dev/stdin' /etc/cis490/lab-host.toml <<'END'\n${toml}END`);
  const [commands = ''] = pageCommands('metrics.md', "A lab host's own, by node_exporter");
  const ours = commands.split('\n').filter((line) => line !== '' && !/apt-get|curl/.test(line));
  assert.equal(ours.length, 6);
  await host.sure(ours.join(' && '));
  await host.until(['cat', `${directory}/cis490-shipper.prom`], /^cis490_/m);
  assert.doesNotMatch(await host.sure('journalctl -u cis490-shipper -o cat -n 20'), /metrics_textfile/);
});

step('an image: installed into a directory, with its configuration, it ships from its first boot', async () => {
  const name = 'lab-3';
  const prepare = async (root: string) => {
    await mustRun([`${tree}/scripts/install-lab-host.sh`, '--root', root, '--with-telemetry']);
    const toml = readFileSync(join(root, 'etc/cis490/lab-host.toml'), 'utf8');
    assert.match(toml, /^host_id = "lab-3"$/m);
    const there = hosts[1]?.read('etc/cis490/lab-host.toml') ?? '';
    writeFileSync(join(root, 'etc/cis490/lab-host.toml'), there.replace('host_id = "lab-2"', 'host_id = "lab-3"'));
    const token = join(root, 'etc/cis490/fleet-token');
    writeFileSync(token, hosts[1]?.read('etc/cis490/fleet-token') ?? '', { mode: 0o600 });
    await mustRun(['chroot', root, 'chown', 'cis490', '/etc/cis490/fleet-token']);
    await mustRun([join(root, 'opt/cis490/releases', COMMIT, 'scripts/install-lab-host.sh'), '--root', root]);
  };
  await machines?.startMachine({ name, address: '10.49.1.13', prepare });
  await stored(name);
});

step('a checkout in the install root: the printed cure of stale code brings it up to date', async () => {
  const [, host] = hosts;
  assert.ok(host);
  // Its dependencies are those of the release that is in force: no npm is here.
  await host.sure(`git config --system user.email test@example.org; git config --system user.name test
mkdir /srv/origin; cd ${TREE}; find . -mindepth 1 -maxdepth 1 -not -name node_modules -not -name MANIFEST.json -exec cp -r -t /srv/origin {} +
cd /srv/origin; git init -q -b main; git add -A; git commit -q -m first
rm /opt/cis490/bin /opt/cis490/scripts; git clone -q /srv/origin /root/clone; cp -r /root/clone/. /opt/cis490; chown -R cis490 /srv/origin
sudo /opt/cis490/scripts/install-lab-host.sh`);
  await host.sure(`cd /srv/origin; echo >>README.md; sudo -u cis490 git commit -q -a -m second`);
  const head = (await host.sure('sudo -u cis490 git -C /srv/origin rev-parse HEAD')).trim();
  await host.sure(`cd /opt/cis490 && sudo -u cis490 git pull origin main
sudo /opt/cis490/scripts/install-lab-host.sh
sudo systemctl restart cis490-orchestrator`);
  assert.equal((await host.sure('readlink /opt/cis490/current')).trim(), `releases/${head}`);
  const { commit, dirty } = JSON.parse(await host.sure('cat /opt/cis490/current/VERSION'));
  assert.deepEqual([commit, dirty], [head, false]);
  assert.match(await stateOf(host, 'cis490-shipper.service'), /enabled active/);
  assert.match(await host.sure('systemctl show -P ExecStart cis490-shipper; cis490 --version'), /opt\/cis490\/current/);
});

step('uninstalled: no unit and no file but the data and the configuration; purged: not even those', async () => {
  const [host] = hosts;
  assert.ok(host);
  await host.sure('rm -r /etc/systemd/system/cis490-shipper.service.d; sudo /opt/cis490/scripts/uninstall.sh');
  assert.equal(
    await host.sure(
      "systemctl list-units --all --plain --no-legend 'cis490*'; systemctl list-unit-files --no-legend 'cis490*' || true",
    ),
    '',
  );
  const left = `find / -xdev \\( -path /proc -o -path /sys -o -path ${TREE} -o -path /tmp -o -path /root -o -path /var/log \\) -prune -o -name '*cis490*' -print`;
  assert.deepEqual((await host.sure(left)).trim().split('\n').sort(), ['/etc/cis490', '/var/lib/cis490']);
  assert.match(await host.sure('ls /var/lib/cis490/data/shipped'), /telemetry-/);
  await host.sure(`${TREE}/scripts/uninstall.sh --purge`);
  assert.equal(await host.sure(left), '');
  assert.notEqual((await host.run('id', 'cis490')).code, 0);
});

/** As `enabled active`. */
async function stateOf(machine: BootedMachine, unit: string): Promise<string> {
  const [enabled, active] = await Promise.all(
    ['is-enabled', 'is-active'].map(async (verb) => (await machine.run('systemctl', verb, unit)).stdout.trim()),
  );
  return `${enabled} ${active}`;
}

async function countStored(host: string): Promise<number> {
  const { stdout } = await receiver.run('sh', '-c', `ls /var/lib/cis490/episodes/${host} 2>/dev/null | wc -l`);
  return Number(stdout);
}

async function stored(host: string, more = 0): Promise<void> {
  await until(async () => (await countStored(host)) > more, `${host} has stored more than ${more}`);
}
