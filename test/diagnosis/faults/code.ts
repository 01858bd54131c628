// The code that records: stale, blocked, unstamped, or not to be judged.

import { until } from '../../support/until.ts';
import type { Fault } from '../fault.ts';
import { type Lab, RECEIVER } from '../lab.ts';

const DATA = '/var/lib/cis490/data';

async function quarantined(lab: Lab, host: string, count: number): Promise<void> {
  const list = `ls ${DATA}/quarantine | wc -l`;
  await until(
    async () => Number(await lab.machines.sure(host, list)) >= count,
    `${host} has refused ${count} episodes`,
  );
  await lab.heard([host]);
}

const FORGE = 'forgejo_url = "http://forge.lab"\nrepo_owner = "lab"\nrepo_name = "cis490"\n';

export const CODE_FAULTS: Fault[] = [
  {
    id: 'stale-commit',
    title: 'the code of the host has fallen out of the window',
    lab: { orchestrator: 'lab-1' },
    plant: async (lab) => {
      const old = lab.head;
      for (let number = 1; number <= 6; number += 1) lab.repository.commit(`change ${number}`);
      await lab.publish('lab-1', { commit: old, count: 12 });
      await quarantined(lab, 'lab-1', 12);
      await lab.stored('lab-2');
    },
    expect: {
      fleetHealth: {
        host: 'lab-1',
        symptom: 'refused',
        detail: /quarantined \d+ in the last hour without asking: commit-not-in-window/,
      },
      doctor: {
        machine: 'lab-1',
        check: 'version',
        status: 'red',
        summary: /the gate refuses it with commit-not-in-window; the head is/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'fleet-health',
  },
  {
    id: 'code-soon-stale',
    title: 'the code of the host is about to fall out of the window',
    lab: { orchestrator: 'lab-1' },
    plant: async (lab) => {
      const old = lab.head;
      for (let number = 1; number <= 4; number += 1) lab.repository.commit(`change ${number}`);
      const [id] = await lab.publish('lab-1', { commit: old });
      const path = `/var/lib/cis490/episodes/lab-1/${id}.tar.zst`;
      await lab.stored('lab-2');
      await until(
        async () => (await lab.machines.shell(RECEIVER, `test -e ${path}`)).code === 0,
        'it is stored all the same',
      );
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'stale-code', detail: /is 4 behind the head, and 5 are refused/ },
      doctor: {
        machine: 'lab-1',
        check: 'version',
        status: 'yellow',
        summary: /is 4 behind the head, and the window is 5: it is refused soon$/,
      },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'doctor',
  },
  {
    id: 'blocked-commit',
    title: 'the code of the host is blocked',
    lab: { orchestrator: 'lab-1' },
    plant: async (lab) => {
      const bad = lab.head;
      await lab.machines.sure(RECEIVER, `cis490 gate block ${bad} --why 'records zeros'`);
      lab.repository.commit('mended');
      await lab.publish('lab-1', { commit: bad, count: 12 });
      await quarantined(lab, 'lab-1', 12);
      await lab.stored('lab-2');
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'refused', detail: /without asking: commit-blocked/ },
      doctor: { machine: 'lab-1', check: 'version', status: 'red', summary: /the gate refuses it with commit-blocked/ },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'doctor',
  },
  {
    id: 'missing-version',
    title: 'VERSION is missing',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'rm /opt/cis490/VERSION; systemctl start cis490-doctor-check');
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'unhealthy', detail: /^its doctor says red: version \(/ },
      doctor: {
        machine: 'lab-1',
        check: 'version',
        status: 'red',
        summary: /^there is no \/opt\/cis490\/VERSION: nothing is recorded without a stamp$/,
      },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'doctor',
  },
  {
    id: 'unstamped-backlog',
    title: 'twelve episodes wait that no commit is stamped into',
    plant: async (lab) => {
      await lab.publish('lab-1', { commit: null, count: 12 });
      await quarantined(lab, 'lab-1', 12);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'refused', detail: /without asking: commit-missing/ },
      doctor: {
        machine: 'lab-1',
        check: 'shipping-errors',
        status: 'red',
        summary: /^12 ship\(s\) rejected as unstamped or malformed/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'fleet-health',
    // Their log of the last ten minutes stays as it is.
    leaves: 'red',
  },
  {
    id: 'unstamped-older-shipper',
    title: 'an older shipper sends without a commit header, again and again',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', olderShipper);
    },
    expect: {
      fleetHealth: {
        host: 'lab-1',
        symptom: 'unstamped',
        detail: /^12 attempts in 5 min refused for want of a commit/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'fleet-health',
    healthy: async (lab) => {
      await lab.pass(7, lab.hosts);
    },
  },
  {
    id: 'growing-quarantine',
    title: 'the quarantine grows: a good commit was blocked by mistake',
    lab: { monitorKeys: 'quarantine_growth = 4\n', hostKeys: '[doctor]\nquarantine_growth = 4\n' },
    plant: async (lab) => {
      await lab.tick();
      await lab.machines.sure(RECEIVER, `cis490 gate block ${lab.head} --why 'the wrong one'`);
      await lab.publish('lab-1', { count: 5 });
      await quarantined(lab, 'lab-1', 5);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'backlog', detail: /^its quarantine grew by 5 within 24 h, to 5$/ },
      doctor: {
        machine: 'lab-1',
        check: 'quarantine',
        status: 'red',
        summary: /^5 refused, 5 of them in the last 24 hours: 5 commit-blocked$/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    byHand: {
      what: 'takes the block back (cis490 gate unblock)',
      when: 'before',
      act: async (lab) => void (await lab.machines.sure(RECEIVER, `cis490 gate unblock ${lab.head}`)),
    },
    cure: 'doctor',
  },
  {
    id: 'forge-down',
    title: 'the forge is down',
    lab: { forge: true, gateKeys: FORGE, receiverHurry: 20 },
    plant: async (lab) => {
      await lab.machines.sure('forge.lab', 'systemctl stop forgejo');
      // What nobody knows makes the gate ask.
      await lab.publish('lab-1', { commit: 'f'.repeat(40) });
      const failed = 'grep -q \'"last_error": "\' /var/lib/cis490/gate.json';
      await until(async () => (await lab.machines.shell(RECEIVER, failed)).code === 0, 'the gate has noticed');
    },
    expect: {
      doctor: {
        machine: RECEIVER,
        check: 'gate-freshness',
        status: 'yellow',
        summary: /^the branch was read .* ago: .*forge/,
      },
    },
    cure: 'doctor',
    byHand: {
      what: 'starts the forge again',
      when: 'after',
      act: async (lab) => {
        await lab.machines.sure('forge.lab', 'systemctl start forgejo');
        await lab.machines.sure('lab-1', `rm -rf ${DATA}/episodes/*`);
      },
    },
  },
];

const olderShipper = `for n in $(seq 12); do
  curl -s -o /dev/null -X PUT -H "Authorization: Bearer $(cat /etc/cis490/token)" -H "X-Content-SHA256: $(printf x | sha256sum | cut -c1-64)" \\
    --data-binary x http://receiver.lab:8490/v1/episodes/lab-1/old-$n.tar.zst
done`;
