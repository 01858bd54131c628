// Updates on real machines with a real systemd: releases as they are built, signed and published, installed by the unit that the timer starts,
// while episodes are recorded and shipped. Bad releases, kills and power cuts at many steps, a full disk, and nothing lost in all of it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { BootedMachine } from '../support/containers/booted-machine.ts';
import { BootedMachines, canBootMachines } from '../support/containers/booted-machines.ts';
import { UpdatedHost } from '../support/containers/updated-host.ts';
import { publishEpisode } from '../support/episodes.ts';
import type { TestHost } from '../support/fleet.ts';
import { stepsInOrder } from '../support/in-order.ts';
import { checkNothingLost, namesIn, type Published } from '../support/nothing-lost.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { FAULT_FILE, UpdateReleases } from '../support/update-releases.ts';

const TREE = '/root/cis490';
const RELEASES = '/root/releases';
const DATA = 'var/lib/cis490/data';
const STORE = 'var/lib/cis490';
const SHIPPER = 'cis490-shipper.service';
const TIMER_DROP_IN = 'etc/systemd/system/cis490-autoupdate.timer.d/test.conf';
/** Seconds of `health_window_s`; the first one's release is to die within it. */
const WINDOWS = { 'lab-1': 20, 'lab-2': 5, 'lab-3': 5 } as const;
type HostName = keyof typeof WINDOWS;
const HOSTS = Object.keys(WINDOWS) as HostName[];

interface FleetAnswer {
  heartbeat?: { version?: { commit?: string }; update?: { result?: string; target?: string } };
}

const directory = makeDirectory();
const tree = join(directory, 'tree');
const published: Published[] = [];
const recording = new AbortController();
const fleet = new Map<HostName, UpdatedHost>();
let recorded: Promise<void> | undefined;
let machines: BootedMachines | undefined;
let receiver: BootedMachine;
let releases: UpdateReleases;
let secondBuilt: Promise<void>;
let failingBuilt: Promise<void>;

const can = canBootMachines({ skip: () => undefined } as unknown as TestContext);

before(async () => {
  if (!can) return;
  mkdirSync(tree);
  releases = new UpdateReleases(directory);
  const { first, second, failing } = releases;
  const firstBuilt = releases.build(first).then(() => releases.unpack(first, tree));
  machines = await BootedMachines.create();
  const binds = { [TREE]: tree, [RELEASES]: releases.published };
  const start = async (name: string, address: string) => {
    const machine = await machines?.startMachine({ name, address, binds });
    assert.ok(machine);
    return machine;
  };
  releases.publicKey = await releases.makeKey('trusted');
  await releases.makeKey('other');
  [receiver] = await Promise.all([
    start('receiver', '10.51.1.1'),
    ...HOSTS.map(async (name, n) => {
      fleet.set(name, new UpdatedHost(await start(name, `10.51.1.1${n}`)));
    }),
  ]);
  await firstBuilt;
  // Whoever needs them waits for them, and is told when they fail.
  secondBuilt = releases.build(second);
  failingBuilt = secondBuilt.then(() => releases.build(failing));
  for (const built of [secondBuilt, failingBuilt]) built.catch(() => undefined);
});
after(async () => {
  recording.abort();
  await recorded;
  await machines?.stop();
});

const step = stepsInOrder();

step('a receiver and three hosts, installed from the first release, record and ship', async () => {
  const { first, second, failing } = releases;
  await receiver.sure('umask 077; openssl rand -hex 32 >/root/fleet-token');
  const digest = (await receiver.sure('printf %s "$(cat /root/fleet-token)" | sha256sum')).slice(0, 64);
  receiver.write(
    'etc/cis490/receiver.toml',
    `[listen]\nhost = "0.0.0.0"\n[store]\nmin_free = "1 MiB"\n[auth]\nfleet_token_sha256 = "${digest}"
[version_gate]\ncommits = ${JSON.stringify([first, second, failing])}\n`,
  );
  await receiver.sure(`${TREE}/scripts/install-receiver.sh`);
  const token = await receiver.sure('cat /root/fleet-token');
  await Promise.all([...fleet].map(([name, { machine }]) => installHost(name, machine, token)));
  for (const host of fleet.values()) assert.equal(host.current, first);
  recorded = record(recording.signal);
  await Promise.all(HOSTS.map((name) => ships(name)));
});

step(
  'a good release: one host updates, one has its updater killed again and again, one has its power cut',
  async () => {
    const { first, second } = releases;
    await publish(first, 1);
    await secondBuilt;
    await publish(second, 2);
    await Promise.all([updatesAndSaysSo(hostOf('lab-1')), isKilled(hostOf('lab-2')), losesPower(hostOf('lab-3'))]);
    for (const [name, host] of fleet) {
      assert.equal(host.current, second, name);
      assert.deepEqual(host.releases.sort(), [first, second].sort(), name);
      assert.deepEqual(host.leftovers, [], name);
      const { pending, trial, last, highest_release_number } = host.state;
      assert.deepEqual([pending, trial, last?.result, highest_release_number], [null, undefined, 'updated', 2], name);
      await runsUnitsOf(host, 'second');
    }
    await Promise.all(HOSTS.map((name) => ships(name)));
  },
);

step(
  'the next run is the new updater’s; doctor and heartbeat say what runs; untrusted and older ones are left alone',
  async () => {
    const { second, failing } = releases;
    const host = hostOf('lab-1');
    const again = await host.update();
    assert.match(again.log, /update done by the second updater.*result=current/);
    const doctor = await host.machine.run('cis490', 'doctor', '--json');
    const { checks } = JSON.parse(doctor.stdout) as { checks: { id: string; status: string; summary: string }[] };
    const summaryOf = (id: string) => checks.find((check) => check.id === id)?.summary ?? '';
    assert.equal(doctor.code, 0, doctor.stdout);
    assert.match(summaryOf('version'), new RegExp(`^${second.slice(0, 12)}`));
    assert.match(summaryOf('autoupdate'), /^nothing newer/);

    await failingBuilt;
    await publish(failing, 3, 'other');
    const untrusted = await host.update();
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.log, /release 3 \(.*\) is signed by none of the trusted keys/);
    await receiver.sure(`cis490 release pause ${failing}; cis490 release pause ${second}`);
    const older = await host.update();
    assert.equal(older.code, 0);
    assert.match(older.log, /release 1 \(.*\) is older than 2, the newest that ran here/);
    await receiver.sure(`cis490 release resume ${second}`);
    assert.equal(host.current, second);
    assert.equal(host.releases.includes(failing), false);
  },
);

step('bad releases: one ends at once, one dies, one hangs; each is taken back, told, and not tried again', async () => {
  const { second, failing } = releases;
  for (const [name, fault] of [
    ['lab-1', 'dies'],
    ['lab-2', 'ends'],
    ['lab-3', 'hangs'],
  ] as const)
    hostOf(name).machine.write(FAULT_FILE, fault);
  await publish(failing, 4);
  await Promise.all([
    (async () => {
      await hasNoRoom(hostOf('lab-1'));
      await isTakenBack(hostOf('lab-1'), /cis490-shipper\.service (has ended|was restarted by systemd) \(signal\)/);
      // What runs from there goes on, and so has no path any more.
      await hostOf('lab-1').machine.sure(`umount -l /opt/cis490/releases /run/small; systemctl restart ${SHIPPER}`);
    })(),
    isTakenBack(hostOf('lab-2'), /cis490-shipper\.service (has ended|was restarted by systemd) \(exit-code\)/),
    isKilledGoingBack(hostOf('lab-3')),
  ]);
  for (const [name, host] of fleet) {
    assert.equal(host.current, second, name);
    const { pending, trial, last, bad } = host.state;
    assert.deepEqual([pending, trial, last?.result], [null, undefined, 'rolled-back'], name);
    assert.deepEqual([bad?.length, bad?.[0]?.commit, bad?.[0]?.tries], [1, failing, 1], name);
    await runsUnitsOf(host, 'second');
  }
  await Promise.all(HOSTS.map((name) => ships(name)));
  await Promise.all([...fleet.values()].map((host) => isLeftAlone(host)));
  // Its heartbeat comes within half a minute of its start.
  await Promise.all([...fleet.values()].map(({ machine }) => machine.sure(`systemctl restart ${SHIPPER}`)));
});

step('a percentage and a pause of the roll-out', async () => {
  const { failing } = releases;
  const sharesOf = new Map(HOSTS.map((name) => [name, shareOf(failing, name)]));
  const percent = Math.floor(Math.max(...sharesOf.values()));
  await publish(failing, 5, 'trusted', percent);
  const offers = async () =>
    await Promise.all(
      HOSTS.map(async (name) => JSON.parse(await hostOf(name).machine.sure('cis490 autoupdate --check --json'))),
    );
  const expected = HOSTS.map((name) => ((sharesOf.get(name) ?? 0) < percent ? 'available' : 'current'));
  assert.ok(
    expected.includes('available') && expected.includes('current'),
    `${percent} % of ${[...sharesOf.values()]}`,
  );
  assert.deepEqual(
    (await offers()).map(({ result }) => result),
    expected,
  );
  await receiver.sure('cis490 release pause');
  assert.deepEqual(
    (await offers()).map(({ result }) => result),
    ['current', 'current', 'current'],
  );
  await receiver.sure(`cis490 release resume; cis490 release percent ${failing} 100`);
});

step('the updater killed right after the switch to what cannot even start: the guard alone takes it back', async () => {
  const { second, failing } = releases;
  const host = hostOf('lab-2');
  const { machine } = host;
  machine.write(FAULT_FILE, 'starts nothing');
  await host.beginUpdate(failing, 'switched');
  await host.killUpdater();
  assert.equal(host.state.pending?.to, failing);
  // A tick is a minute elsewhere.
  const dropIn = 'etc/systemd/system/cis490-update-guard.timer.d/test.conf';
  machine.write(
    dropIn,
    '[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnActiveSec=1s\nOnUnitInactiveSec=1s\nAccuracySec=10ms\n',
  );
  await machine.sure(
    `systemctl daemon-reload; systemctl restart cis490-update-guard.timer; systemctl restart --no-block ${SHIPPER}`,
  );
  await until(() => host.state.last?.detail?.includes('taken back by the guard') ?? false, 'the guard takes it back');
  machine.write(dropIn, '');
  await machine.sure('systemctl daemon-reload; systemctl restart cis490-update-guard.timer');
  const { pending, flipped, last, bad } = host.state;
  assert.deepEqual([pending, flipped, last?.result, bad?.[0]?.commit], [null, undefined, 'rolled-back', failing]);
  assert.equal(host.current, second);
  assert.match(
    await machine.sure('journalctl -u cis490-update-guard -u cis490-shipper -n 200 -o cat'),
    /without a confirmation: back to/,
  );
  await machine.until(['systemctl', 'is-active', SHIPPER], /^active$/m);
  await runsUnitsOf(host, 'second');
  await ships('lab-2');
  await isLeftAlone(host);
});

step('the monitor tells each of them', async () => {
  // Each run writes what is new; a heartbeat may be on its way.
  await until(async () => {
    await receiver.sure('systemctl start cis490-fleet-health');
    const alerts = receiver.read(`${STORE}/alerts.jsonl`).trim().split('\n');
    const told = alerts.map((line) => JSON.parse(line) as { host: string; symptom: string; detail: string });
    const failed = told.filter(({ symptom }) => symptom === 'update-failed');
    return HOSTS.every((name) =>
      failed.some(
        ({ host, detail }) => host === name && detail.includes(`to ${releases.failing.slice(0, 12)} was rolled back`),
      ),
    );
  }, 'the monitor tells update-failed of each host');
});

step('back to the first release, published again: all hosts, the failing one pruned', async () => {
  const { first, second } = releases;
  await publish(first, 6);
  await Promise.all(
    [...fleet].map(async ([name, host]) => {
      const { code, log } = await host.update();
      assert.equal(code, 0, log);
      assert.match(log, /update done.*result=updated.*release_number=6/);
      assert.equal(host.current, first, name);
      assert.deepEqual(host.releases.sort(), [first, second].sort(), name);
      assert.deepEqual([host.state.last?.result, host.state.last?.failures], ['updated', 0], name);
      await runsUnitsOf(host, '');
    }),
  );
});

step('the documented commands, and an older tree installed by hand', async () => {
  const { first, second } = releases;
  const { machine } = hostOf('lab-2');
  const said = await machine.sure(`cis490 autoupdate --check
sudo cis490 autoupdate --json
journalctl -u cis490-autoupdate -n 50
journalctl -u cis490-update-guard -n 20
cat /var/lib/cis490/update-state.json
ls -t /opt/cis490/releases
readlink /opt/cis490/current`);
  assert.match(said, /"result":"current"/);
  assert.ok(said.endsWith(`releases/${first}\n`), said);
  await machine.sure(`sudo /opt/cis490/releases/${second}/scripts/install-lab-host.sh`);
  assert.equal(hostOf('lab-2').current, second);
  await runsUnitsOf(hostOf('lab-2'), 'second');
});

step('of all that was recorded meanwhile nothing is lost, and nothing is there twice', async () => {
  recording.abort();
  await recorded;
  for (const [name, { machine }] of fleet) {
    await machine.sure('systemctl stop cis490-orchestrator');
    await until(() => namesIn(join(machine.root, DATA, 'episodes')).length === 0, `${name} has shipped all`);
    await machine.sure(`systemctl stop ${SHIPPER}`);
    assert.deepEqual(namesIn(join(machine.root, DATA, 'quarantine')), [], name);
  }
  const { faults, stored } = await checkNothingLost(join(receiver.root, STORE), published, true);
  assert.deepEqual(faults, []);
  assert.ok(published.length > 20 && stored >= published.length, `${published.length} published, ${stored} stored`);
});

function hostOf(name: HostName): UpdatedHost {
  const host = fleet.get(name);
  assert.ok(host);
  return host;
}

async function installHost(name: HostName, machine: BootedMachine, token: string): Promise<void> {
  machine.write('root/fleet-token', token, 0o600);
  machine.write(TIMER_DROP_IN, '[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnBootSec=1d\nRandomizedDelaySec=0\n');
  machine.write(
    'etc/cis490/lab-host.toml',
    `host_id = "${name}"\n[receiver]\nurl = "http://receiver:8490"\nbearer_token_file = "fleet-token"
[shipper]\nmin_free = "1 MiB"\nscan_interval_s = 1
[orchestrator]\nenabled = true\n[[orchestrator.workload]]\nname = "telemetry"
command = ["cis490", "telemetry", "--duration", "1", "--rate", "1"]\ninterval_s = "10 s"
[autoupdate]\nenabled = true\nrelease_keys = ["${releases.publicKey}"]\nkeep_releases = 2\nhealth_window_s = ${WINDOWS[name]}\n`,
  );
  await machine.sure(`systemd-sysusers ${TREE}/etc/sysusers.d/cis490.conf
install -m 600 -o cis490 /root/fleet-token /etc/cis490/fleet-token; ${TREE}/scripts/install-lab-host.sh`);
  await machine.sure('systemctl is-active cis490-autoupdate.timer cis490-update-guard.timer');
}

/** One episode a second on each host, whatever happens there, until the signal. */
async function record(signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    for (const [name, { machine }] of fleet) {
      const data = join(machine.root, DATA);
      // Beside the data directory, as another recorder would: what it hands over is the service's.
      const making = join(machine.root, 'var/lib/cis490/making');
      for (const part of ['recording', 'episodes']) mkdirSync(join(making, part), { recursive: true });
      const episodeId = `made-${n}`;
      const files = { payload: createHash('sha512').update(`${name} ${n}`).digest() };
      const manifest = publishEpisode(making, name, { episodeId, commit: releases.first, files });
      const { uid, gid } = statSync(data);
      const made = join(making, 'episodes', episodeId);
      for (const path of [made, ...readdirSync(made).map((file) => join(made, file))]) chownSync(path, uid, gid);
      renameSync(made, join(data, 'episodes', episodeId));
      published.push({ host: { hostId: name, data } as TestHost, episodeId, manifest });
    }
    await delay(1_000, undefined, { signal }).catch(() => undefined);
  }
}

async function publish(commit: string, number: number, key = 'trusted', percent = 100): Promise<void> {
  await releases.sign(commit, number, key);
  await receiver.sure(`cis490 release publish ${RELEASES}/${number} --percent ${percent}`);
}

/** As the documentation tells to compute it: a part of 100. */
function shareOf(commit: string, host: string): number {
  const digits = createHash('sha256').update(`${commit}|${host}`).digest('hex').slice(0, 8);
  return (Number.parseInt(digits, 16) / 2 ** 32) * 100;
}

function storedOf(name: HostName): number {
  return namesIn(join(receiver.root, STORE, 'episodes', name)).length;
}

/** What is recorded from now on arrives. */
async function ships(name: HostName): Promise<void> {
  const earlier = storedOf(name);
  await until(() => storedOf(name) > earlier + 1, `${name} ships`);
}

/** The shipper runs, on the release in force, with that release's unit. */
async function runsUnitsOf(host: UpdatedHost, release: string): Promise<void> {
  const environment = await host.property(SHIPPER, 'Environment');
  assert.equal(/CIS490_RELEASE=(\w+)/.exec(environment)?.[1] ?? '', release, host.machine.name);
  const program = await host.machine.sure(`readlink /proc/$(systemctl show -P MainPID ${SHIPPER})/exe`);
  assert.match(program, new RegExp(`^/opt/cis490/releases/${host.current}/`), host.machine.name);
}

async function updatesWell(host: UpdatedHost): Promise<void> {
  const { code, log } = await host.update();
  assert.equal(code, 0, log);
  assert.match(log, /update: confirmed/);
}

/** Its heartbeat comes within half a minute of its shipper's start, and this time after the update has ended. */
async function updatesAndSaysSo(host: UpdatedHost): Promise<void> {
  await updatesWell(host);
  await host.machine.sure(`systemctl restart ${SHIPPER}`);
  const ask = 'curl -sf -H "Authorization: Bearer $(cat /root/fleet-token)" http://localhost:8490/v1/fleet/lab-1';
  await until(async () => {
    const { heartbeat } = JSON.parse(await receiver.sure(ask)) as FleetAnswer;
    const { version, update } = heartbeat ?? {};
    return update?.result === 'updated' && update.target === releases.second && version?.commit === releases.second;
  }, 'the heartbeat tells the update');
}

async function isKilled(host: UpdatedHost): Promise<void> {
  const { first, second } = releases;
  for (const at of ['downloading', 'unpacking', 'placed', 'switched', 'watching'] as const) {
    await host.beginUpdate(second, at);
    await host.killUpdater();
    assert.ok([first, second].includes(host.current), at);
    await host.machine.sure('cis490 --version');
    await ships('lab-2');
  }
  await updatesWell(host);
}

async function losesPower(host: UpdatedHost): Promise<void> {
  const { first, second } = releases;
  for (const at of ['downloading', 'unpacking', 'switched'] as const) {
    await host.beginUpdate(second, at);
    // The last time nobody starts it again but the timer.
    if (at === 'switched')
      host.machine.write(TIMER_DROP_IN, '[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnBootSec=1s\nRandomizedDelaySec=0\n');
    await host.machine.kill();
    assert.ok([first, second].includes(host.current), at);
    await host.machine.boot();
    await ships('lab-3');
  }
  await until(() => host.state.last?.result === 'updated', 'the timer has brought the update to its end');
  await host.machine.until(['systemctl', 'is-active', 'cis490-autoupdate.service'], /^inactive$/m);
}

/** The disk becomes full in the middle of the tree; what was written of it does not stand in the way of the next run. */
async function hasNoRoom(host: UpdatedHost): Promise<void> {
  const { machine } = host;
  const { second, failing } = releases;
  const bundle = readdirSync(join(releases.published, '4')).find((name) => name.endsWith('.json')) ?? '';
  const { bytes } = JSON.parse(readFileSync(join(releases.published, '4', bundle), 'utf8')) as { bytes: number };
  // As much as is asked for before the download, and a little.
  const room = 6 * bytes + 96 * 1024 * 1024;
  await machine.sure(`mkdir /run/small
used=$(du -sB1 /opt/cis490/releases/${second} | cut -f 1)
mount -t tmpfs -o mode=755,size=$((used + ${room})) tmpfs /run/small
cp -a /opt/cis490/releases/${second} /run/small/
mount --bind /run/small /opt/cis490/releases`);
  await host.beginUpdate(failing, 'unpacking');
  const node = join(
    machine.insideRoot,
    `opt/cis490/releases/.unpack-${failing}/node_modules/node-linux-${process.arch}/bin/node`,
  );
  await until(() => statSync(node).size > 0, 'the greatest file is being unpacked');
  host.freezeUpdater(true);
  await machine.run('dd', 'if=/dev/zero', 'of=/opt/cis490/releases/filler', 'bs=1M');
  host.freezeUpdater(false);
  await machine.until(['systemctl', 'is-active', 'cis490-autoupdate.service'], /^failed$/m);
  const { last, bad, pending } = host.state;
  assert.match(`${last?.result} ${last?.detail}`, /^failed .*no room/);
  assert.deepEqual([bad ?? [], pending, host.current], [[], null, second]);
  await ships('lab-1');
  await machine.sure('rm /opt/cis490/releases/filler');
}

async function isTakenBack(host: UpdatedHost, why: RegExp): Promise<void> {
  const { code, log } = await host.update();
  assert.equal(code, 1, log);
  assert.match(log, why);
  await tellsRollBack(host, why);
}

async function isKilledGoingBack(host: UpdatedHost): Promise<void> {
  await host.beginUpdate(releases.failing, 'going-back');
  await host.killUpdater();
  const { code, log } = await host.update();
  assert.equal(code, 1, log);
  await tellsRollBack(host, /cis490-shipper\.service is activating/);
}

async function tellsRollBack(host: UpdatedHost, why: RegExp): Promise<void> {
  assert.match(host.state.last?.detail ?? '', why);
  const { code, stdout } = await host.machine.run('cis490', 'doctor', '--json');
  const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; summary: string }[] };
  const found = checks.find(({ id }) => id === 'autoupdate');
  assert.equal(code, 1);
  assert.equal(found?.status, 'red');
  assert.match(found?.summary ?? '', new RegExp(`the update to ${releases.failing.slice(0, 12)} was rolled back`));
}

/** The next run of the timer changes nothing, not even the process that runs. */
async function isLeftAlone(host: UpdatedHost): Promise<void> {
  const pid = await host.property(SHIPPER, 'MainPID');
  const { code, log } = await host.update();
  assert.equal(code, 0, log);
  assert.match(log, /result=left-alone.*failed here and is not tried again/);
  assert.deepEqual([host.current, await host.property(SHIPPER, 'MainPID')], [releases.second, pid]);
}
