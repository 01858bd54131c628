// Who a host is, whether it ever came, and what time it thinks it is.

import type { Fault } from '../fault.ts';

const DAY_MS = 86_400_000;
const THREE = ['lab-1', 'lab-2', 'lab-3'];

export const IDENTITY_FAULTS: Fault[] = [
  {
    id: 'cloned-host',
    title: 'a machine is the clone of another, and sends under its name',
    lab: { hosts: THREE, absent: ['lab-3'] },
    plant: async (lab) => {
      lab.writeHostToml('lab-3', { hostId: 'lab-1' });
      await lab.machines.sure('lab-3', 'systemctl start cis490-shipper');
      // One after the other, and again: neither has taken the other's place.
      await lab.beats('lab-1', 4);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'duplicate-identity', detail: /^2 machines send under this id at once: / },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'fleet-health',
    byHand: {
      what: 'gives the other machine a name of its own',
      when: 'after',
      act: async (lab) => {
        lab.writeHostToml('lab-3');
        await lab.machines.sure('lab-3', 'systemctl restart cis490-shipper');
        // Until the last heartbeat of the clone is no news any more.
        await lab.pass(20, THREE);
      },
    },
    storesAgain: ['lab-1', 'lab-3'],
  },
  {
    id: 'never-seen',
    title: 'an expected host has never come',
    lab: { hosts: THREE, absent: ['lab-3'] },
    plant: async (lab) => {
      await lab.tick();
      await lab.pass(180, ['lab-1', 'lab-2']);
    },
    expect: {
      fleetHealth: {
        host: 'lab-3',
        symptom: 'never-seen',
        detail: /^expected for 3 h 0 min, and has never stored an episode; nor sent a heartbeat$/,
      },
      doctor: { machine: 'lab-3', check: 'units', status: 'red', summary: /^cis490-shipper is inactive$/ },
      fleetView: { host: 'lab-3', state: 'never-seen' },
    },
    cure: 'doctor',
    storesAgain: ['lab-3'],
  },
  {
    id: 'clock-a-day-ahead',
    title: 'the clock of the host is a day ahead',
    plant: async (lab) => {
      lab.machines.write('lab-1', 'etc/clock-off-ms', String(DAY_MS));
      await lab.heard();
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'clock-skew', detail: /^its clock is 2[34] h \d+ min ahead$/ },
      doctor: { machine: 'lab-1', check: 'clock', status: 'red', summary: /ahead of the receiver's$/ },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'doctor',
  },
  {
    id: 'clock-a-day-behind',
    title: 'the clock of the host is a day behind',
    plant: async (lab) => {
      lab.machines.write('lab-1', 'etc/clock-off-ms', String(-DAY_MS));
      await lab.heard();
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'clock-skew', detail: /^its clock is 2[34] h \d+ min behind$/ },
      doctor: { machine: 'lab-1', check: 'clock', status: 'red', summary: /behind the receiver's$/ },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'fleet-health',
  },
];
