// Disks, rights, and what lies on them.

import type { Fault } from '../fault.ts';
import { RECEIVER } from '../lab.ts';

const STORE = '/var/lib/cis490';
const DATA = `${STORE}/data`;
const FILL = `head -c 64M /dev/zero >${STORE}/core.4711 2>/dev/null || true`;
const removeCore = (machine: string): NonNullable<Fault['byHand']> => ({
  what: 'removes the file that du shows',
  when: 'after',
  act: async (lab) => void (await lab.machines.sure(machine, `rm ${STORE}/core.4711`)),
});

export const DISK_FAULTS: Fault[] = [
  {
    id: 'disk-full-under-data',
    title: 'the disk under the data of the host is full',
    plant: async (lab) => void (await lab.machines.sure('lab-1', `${FILL}; systemctl start cis490-doctor-check`)),
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'unhealthy', detail: /^its doctor says red: .*disk \(/ },
      doctor: {
        machine: 'lab-1',
        check: 'disk',
        status: 'red',
        summary: /^[\d.]+ [KMi]*B free, min_free is 1.0 MiB: no recording starts until there is room$/,
      },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'doctor',
    byHand: removeCore('lab-1'),
  },
  {
    id: 'disk-full-under-store',
    title: 'the disk under the store is full',
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, FILL)),
    expect: {
      doctor: {
        machine: RECEIVER,
        check: 'reserve',
        status: 'red',
        summary: /^[\d.]+ [KMi]*B free, min_free is 1.0 MiB: every episode is put off with 507$/,
      },
    },
    cure: 'doctor',
    byHand: removeCore(RECEIVER),
  },
  {
    id: 'store-below-its-reserve',
    title: 'the store is below its reserve',
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, `head -c 62M /dev/zero >${STORE}/core.4711; true`)),
    lab: { minFree: '4 MiB' },
    expect: {
      fleetHealth: {
        host: '*',
        symptom: 'receiver-down',
        detail: /^the receiver cannot store: .* free and keeps 4.0 MiB in reserve$/,
      },
      doctor: { machine: RECEIVER, check: 'reserve', status: 'red', summary: /every episode is put off with 507$/ },
    },
    cure: 'fleet-health',
    byHand: removeCore(RECEIVER),
  },
  {
    id: 'data-mounted-read-only',
    title: 'the disk under the data is mounted read-only',
    plant: async (lab) => {
      await lab.machines.sure(
        'lab-1',
        `systemctl start cis490-doctor-check; systemctl stop cis490-shipper; mount -o remount,ro ${STORE}; systemctl start cis490-shipper || true`,
      );
      await lab.pass(20, ['lab-2']);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'disk',
        status: 'red',
        summary: /is on a disk that is mounted read-only \(\/var\/lib\/cis490\): nothing is recorded or shipped$/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'data-not-writable',
    title: 'root has taken over the data directory',
    plant: async (lab) => {
      await lab.machines.sure(
        'lab-1',
        `systemctl stop cis490-shipper; chown root:root ${DATA}; systemctl start cis490-shipper || true`,
      );
      await lab.pass(20, ['lab-2']);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: /^nothing stored for 20 min/ },
      doctor: {
        machine: 'lab-1',
        check: 'disk',
        status: 'red',
        summary: /^cis490 may not write to \/var\/lib\/cis490\/data$/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'episode-unreadable',
    title: 'root recorded a file of an episode that nobody else may read',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'systemctl stop cis490-shipper');
      const [id] = await lab.publish('lab-1');
      await lab.machines.sure('lab-1', `cd ${DATA}/episodes/${id}; chown root: data; chmod 0600 data`);
    },
    expect: {
      doctor: { machine: 'lab-1', check: 'episodes', status: 'red', summary: /data: cis490 may not read it$/ },
    },
    cure: 'doctor',
    byHand: {
      what: 'starts the shipper',
      when: 'after',
      act: async (lab) => void (await lab.machines.sure('lab-1', 'systemctl start cis490-shipper')),
    },
  },
  {
    id: 'episode-quarantined-as-unreadable',
    title: 'the shipper has set such an episode aside',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'systemctl stop cis490-shipper');
      const [id] = await lab.publish('lab-1');
      await lab.machines.sure(
        'lab-1',
        `cd ${DATA}/episodes/${id}; chown root: data; chmod 0600 data; systemctl start cis490-shipper`,
      );
      await lab.stored('lab-1');
    },
    expect: {
      doctor: {
        machine: 'lab-1',
        check: 'quarantine',
        status: 'yellow',
        summary: /^1 refused, 1 of them in the last 24 hours: 1 episode-unreadable$/,
      },
    },
    cure: 'doctor',
  },
  {
    id: 'torn-ledger',
    title: 'the last line of the ledger is torn',
    plant: async (lab) =>
      void (await lab.machines.sure(RECEIVER, `printf '{"host_id":"lab-1","episo' >>${STORE}/index.jsonl`)),
    expect: {
      doctor: {
        machine: RECEIVER,
        check: 'ledger',
        status: 'yellow',
        summary: /^the last line of .*index.jsonl is torn/,
      },
    },
    cure: 'doctor',
  },
  {
    id: 'old-backlog',
    title: 'an episode has waited for three hours: the shipper hangs',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'kill -STOP $(cat /run/units/cis490-shipper/pid)');
      const [id] = await lab.publish('lab-1');
      await lab.machines.sure(
        'lab-1',
        `touch -d '3 hours ago' ${DATA}/episodes/${id}; systemctl start cis490-doctor-check`,
      );
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'unhealthy', detail: /^its doctor says red: backlog \(/ },
      doctor: { machine: 'lab-1', check: 'backlog', status: 'red', summary: /^1 wait, the oldest for 3 h/ },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'doctor',
  },
];
