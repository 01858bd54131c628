// A host's whole life on real machines with a real systemd: from a bare one, through kills and power cuts, to a shipping one; its certificate
// renewed, expired, revoked and moved to another authority; restarts, and its end. What it records meanwhile arrives, all of it.

import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import type { BootedMachine } from '../support/containers/booted-machine.ts';
import { canBootMachines } from '../support/containers/booted-machines.ts';
import { fromImage, fromStick, overHttp, SEED, writeSeed } from '../support/host-life-arrivals.ts';
import { HostLifeLab, IDENTITY, killService, recordQuickly, seen } from '../support/host-life-lab.ts';
import { stepsInOrder } from '../support/in-order.ts';
import { makeDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const RENEWER = 'cis490-cert-fetch.service';
// A certificate counts from five minutes before it is made: one for two minutes is due for renewal from its first second on.
const DUE_AT_ONCE = '2 min';

const work = makeDirectory();
let lab: HostLifeLab;
const can = canBootMachines({ skip: () => undefined } as unknown as TestContext);

before(async () => {
  if (can) lab = await HostLifeLab.create(work);
});
after(async () => await lab?.machines.stop());

const inOrder = stepsInOrder();
const step = (name: string, run: () => Promise<void>) =>
  inOrder(name, async (t) => {
    const startMs = performance.now();
    await run().catch(async (error: unknown) => {
      for (const host of lab.hosts) t.diagnostic(`${host.name}: ${await lastWords(host)}`);
      throw error;
    });
    t.diagnostic(`${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  });

step('the receiver: installed, with its own authority, and a release published', async () => {
  assert.match(await lab.installReceiver(), /this receiver is green/);
});

step(
  'bare machines become lab hosts: over HTTP, from an image with a seed, from a stick; killed and cut off on the way',
  async () => {
    const used = async () => ({ name: 'lab-2', ...(await fromImage(lab, 'lab-2')) });
    await Promise.all([overHttp(lab, 'lab-1'), used().then((it) => fromStick(lab, 'lab-3', it))]);
  },
);

step('what they record is stored, and all is green', async () => {
  await Promise.all(
    ['lab-1', 'lab-2'].map(async (name) => {
      const host = hostCalled(name);
      await recordQuickly(host);
      await lab.stores(name);
      await host.until(['cis490', 'doctor'], new RegExp(`^${name} is green`, 'm'));
      await until(async () => {
        // Each report is of one moment, and stays until the next.
        await host.sure('systemctl start cis490-doctor-check');
        const { state, doctor } = await lab.hostInFleet(name);
        if (state === 'ok' && doctor === 'green') return true;
        throw new Error(await lab.receiver.sure(`cis490 fleet show ${name} --token-file ~/cis490-reader.token`));
      }, `${name} is healthy in cis490 fleet`);
    }),
  );
});

step('certificates are renewed by the timer while episodes are shipped, whatever is killed', async () => {
  await lab.certificatesLast(DUE_AT_ONCE);
  for (const name of ['lab-1', 'lab-2']) await runAnyTime(hostCalled(name));
  await Promise.all([renewedUnderLoad('lab-1'), renewedThroughKills('lab-2')]);
});

step('a machine comes back with an expired certificate; another one is revoked, and comes back', async () => {
  const host = hostCalled('lab-3');
  await runAnyTime(host);
  await lookOften(host);
  await lab.certificatesLast('10 s');
  await renewNow(host);
  const { certificate } = pairOf(host);
  await host.kill();
  await lab.certificatesLast('90 days');
  // What is short-lived goes.
  await Promise.all(['lab-1', 'lab-2'].map((name) => renewNow(hostCalled(name))));
  await Promise.all([expired(host, certificate), revoked()]);
});

step('another authority: the hosts learn it, renew under it, and ship throughout', async () => {
  const { receiver } = lab;
  await receiver.sure('sudo cis490 ca renew-ca');
  const early = await receiver.run('cis490', 'ca', 'renew-ca', '--finish');
  assert.equal(early.code, 1);
  assert.match(early.stderr, /these hosts would be cut off: lab-1, lab-2, lab-3/);
  await Promise.all(lab.hosts.map(renewNow));
  await Promise.all(['lab-1', 'lab-2'].map((name) => lab.stores(name, 2)));
  await receiver.sure('sudo cis490 ca renew-ca --finish');
  await receiver.until(
    [
      'sh',
      '-c',
      'openssl s_client -connect receiver:8443 -showcerts </dev/null 2>&1 | openssl x509 -noout -issuer; openssl x509 -noout -subject -in /var/lib/cis490/ca/trusted.crt',
    ],
    /issuer=(.*)\nsubject=\1\n/,
  );
  await Promise.all(
    ['lab-1', 'lab-2'].map(async (name) => {
      await lab.stores(name, 2);
      assert.equal((await hostCalled(name).run('cis490', 'shipper', '--ping')).code, 0);
    }),
  );
});

step('all machines restart, and all is back', async () => {
  const all = [lab.receiver, hostCalled('lab-1'), hostCalled('lab-2')];
  await Promise.all(all.map((machine) => machine.reboot()));
  await Promise.all(['lab-1', 'lab-2'].map((name) => lab.stores(name)));
  for (const machine of all) assert.equal((await machine.sure('systemctl --failed --plain --no-legend')).trim(), '');
});

step('nothing that was recorded is lost', async () => {
  for (const host of lab.hosts) {
    const { name } = host;
    await host.sure('systemctl stop cis490-orchestrator');
    const at = (directory: string) => join(host.root, 'var/lib/cis490/data', directory);
    await until(() => readdirSync(at('episodes')).length === 0, `${name} has shipped all`);
    assert.deepEqual(readdirSync(at('quarantine')), []);
    const stored = readdirSync(join(lab.receiver.root, 'var/lib/cis490/episodes', name));
    assert.deepEqual(
      stored.sort(),
      readdirSync(at('shipped'))
        .map((id) => `${id}.tar.zst`)
        .sort(),
    );
  }
});

step('uninstalled: no unit and no file but the data and the configuration', async () => {
  const host = hostCalled('lab-3');
  // Drop-ins are the maintainer's own.
  await host.sure('rm -r /etc/systemd/system/cis490-*.d; sudo /opt/cis490/scripts/uninstall.sh');
  const units =
    "systemctl list-units --all --plain --no-legend 'cis490*'; systemctl list-unit-files --no-legend 'cis490*' || true";
  assert.equal(await host.sure(units), '');
  const places = ['/proc', '/sys', '/tmp', '/root', '/media', '/var/log'].map((path) => `-path ${path}`).join(' -o ');
  const left = await host.sure(`find / -xdev \\( ${places} \\) -prune -o -name '*cis490*' -print`);
  assert.deepEqual(left.trim().split('\n').sort(), ['/etc/cis490', '/var/lib/cis490']);
  assert.ok(existsSync(join(host.root, IDENTITY, 'current/host.crt')));
});

async function lastWords(host: BootedMachine): Promise<string> {
  if (!host.isRunning) return 'is off';
  return (await host.run('journalctl', '--no-pager', '-n', '60', '-g', 'cis490')).stdout;
}

function hostCalled(name: string): BootedMachine {
  const host = lab.hosts.find((one) => one.name === name);
  assert.ok(host, name);
  return host;
}

/** systemd refuses a sixth start within ten seconds. */
async function runAnyTime(host: BootedMachine): Promise<void> {
  host.write(`etc/systemd/system/${RENEWER}.d/short.conf`, '[Unit]\nStartLimitIntervalSec=0\n');
  await host.sure('systemctl daemon-reload');
}

/** The timer looks each second, and does not wait after a boot. */
async function lookOften(host: BootedMachine): Promise<void> {
  const timer = '[Timer]\nOnBootSec=\nOnBootSec=1s\nOnUnitInactiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n';
  host.write('etc/systemd/system/cis490-cert-fetch.timer.d/short.conf', timer);
  await host.sure('systemctl daemon-reload; systemctl restart cis490-cert-fetch.timer');
}

/** No timer's run is under way or comes soon: two runs at once refuse each other. */
async function quietTimer(host: BootedMachine): Promise<void> {
  // A start waits for the run that is under way.
  await host.sure(`systemctl stop cis490-cert-fetch.timer; systemctl start ${RENEWER}`);
}

async function renewNow(host: BootedMachine): Promise<void> {
  await quietTimer(host);
  await host.sure('sudo cis490 cert-fetch --force');
}

interface Pair {
  number: number;
  certificate: X509Certificate;
  isWhole: boolean;
}

/** What is in force, read as the programs read it. */
function pairOf(host: BootedMachine): Pair {
  const root = join(host.root, IDENTITY);
  const number = Number(readlinkSync(join(root, 'current')));
  const at = (file: string) => readFileSync(join(root, `${number}`, file));
  const certificate = new X509Certificate(at('host.crt'));
  return { number, certificate, isWhole: certificate.checkPrivateKey(createPrivateKey(at('host.key'))) };
}

/** It is renewed by the old key. */
async function expired(host: BootedMachine, { validToDate }: X509Certificate): Promise<void> {
  await until(() => Date.now() > validToDate.getTime(), 'it has expired');
  await host.boot();
  const log = ['journalctl', '-b', '-u', RENEWER, '-o', 'cat'];
  await host.until(log, /the certificate has expired; its key asks for another/);
  await host.sure(`mkdir made; echo made >made/file; sudo cis490 publish made --commit ${lab.release.commit}`);
  await until(() => lab.countStored(host.name) === 1, `${host.name} ships`);
}

/** Refused from its next request on, also over a connection that is open, and told how to come back. */
async function revoked(): Promise<void> {
  const host = hostCalled('lab-2');
  const node = `/opt/cis490/current/node_modules/node-linux-${process.arch}/bin/node`;
  const pings = host.run(
    ...[
      'sh',
      '-c',
      `exec ${node} /opt/cis490/current/test/support/ping-twice.main.ts https://receiver:8443 /root/revoked >/root/pings`,
    ],
  );
  await until(() => host.exists('root/pings') && host.read('root/pings') !== '', 'a connection is open');
  await lab.receiver.sure('sudo cis490 ca revoke --host lab-2 --why "disk stolen"');
  host.write('root/revoked', '');
  assert.equal((await pings).stderr, '');
  assert.deepEqual(JSON.parse(host.read('root/pings').split('\n')[1] ?? ''), { statuses: [200, 401], isSame: true });
  await host.until(['cis490', 'shipper', 'status'], /credential-invalid/);
  const there = lab.countStored('lab-2');
  const { code, stdout } = await host.run('cis490', 'doctor');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^red +credential .*it was revoked.*\n(?: .*\n)*? +ssh receiver 'sudo cis490 ca token --host lab-2'/m,
  );
  await lab.stores('lab-1', 2);
  assert.equal(lab.countStored('lab-2'), there);
  assert.notEqual((await host.run('cis490', 'cert-fetch', '--force')).code, 0);
  writeSeed(lab, host, await lab.enrolment('lab-2'));
  await quietTimer(host);
  const said = await host.sure(`sudo cis490 bootstrap --seed ${SEED}`);
  assert.match(said, /lab-2 is a lab host of https:\/\/receiver:8443: the receiver has its first health report/);
  await lab.stores('lab-2');
}

async function renewedUnderLoad(name: string): Promise<void> {
  const host = hostCalled(name);
  const mainPid = async () => (await host.sure('systemctl show -P MainPID cis490-shipper')).trim();
  const pid = await mainPid();
  await renewNow(host);
  const { number } = pairOf(host);
  await lookOften(host);
  let isAlwaysWhole = true;
  await until(() => {
    const pair = pairOf(host);
    isAlwaysWhole &&= pair.isWhole;
    return pair.number >= number + 3;
  }, `${name} has renewed three times`);
  assert.ok(isAlwaysWhole);
  await host.sure('systemctl stop cis490-cert-fetch.timer');
  await until(
    async () =>
      /credentials for the receiver have changed and were read again/.test(
        await host.sure('journalctl -u cis490-shipper -o cat'),
      ),
    'the shipper has taken them over',
  );
  await lab.stores(name, 2);
  assert.equal(await mainPid(), pid);
}

async function renewedThroughKills(name: string): Promise<void> {
  const host = hostCalled(name);
  const root = join(host.root, IDENTITY);
  await renewNow(host);
  for (const [what, file] of [
    ['the service runs', ''],
    ['its key is made', 'next/host.key'],
    ['the key of the pair is written', 'N/host.key'],
    ['the pair is written', 'N/host.crt'],
    ['the link is changed', 'N/none'],
    ['power', 'N/host.key'],
  ] as const) {
    const { number } = pairOf(host);
    const next = `${number + 1}`;
    const run = host.run('systemctl', 'start', RENEWER);
    const isReached = () =>
      readlinkSync(join(root, 'current')) === next || existsSync(join(root, file.replace('N', next)));
    if (file !== '') assert.ok(await seen(isReached, run), what);
    if (what === 'power') await host.kill();
    else await seen(() => killService(host, RENEWER), run);
    await run;
    assert.ok(pairOf(host).isWhole, what);
    if (what === 'power') await host.boot();
  }
  const { number } = pairOf(host);
  await host.sure(`systemctl start ${RENEWER}`);
  assert.ok(pairOf(host).number > number);
  assert.deepEqual(readdirSync(join(root, 'next')), []);
  await lab.stores(name);
}
