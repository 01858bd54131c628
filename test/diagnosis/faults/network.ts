// The way from a host to the receiver.

import type { Fault } from '../fault.ts';
import { RECEIVER } from '../lab.ts';

const SILENT = { host: 'lab-1', symptom: 'silent' } as const;
const DEAD = /^nothing stored for 20 min .*off the network, or its shipper is stopped$/;

function badUrl(url: string) {
  return async (lab: Parameters<Fault['plant']>[0]) => {
    lab.writeHostToml('lab-1', { url });
    await lab.machines.sure('lab-1', 'systemctl restart cis490-shipper');
    lab.editsTomlBack('lab-1');
    await lab.pass(20, ['lab-2']);
  };
}

export const NETWORK_FAULTS: Fault[] = [
  {
    id: 'host-cut-off',
    title: 'the host is cut off from the network',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'ip link set eth0 down');
      await lab.pass(20, ['lab-2']);
    },
    expect: {
      fleetHealth: { ...SILENT, detail: DEAD },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-tcp',
        status: 'red',
        summary: /enetunreach\): nothing answers there: look at the network/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'by-hand',
    byHand: {
      what: 'plugs the cable in again',
      when: 'after',
      act: async (lab) => void (await lab.machines.sure('lab-1', 'ip link set eth0 up')),
    },
  },
  {
    id: 'wrong-url',
    title: '[receiver] url leads to a web page',
    lab: {
      prepare: async (lab) => {
        lab.unit(
          RECEIVER,
          'website',
          'env XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp caddy respond --listen :8080 hello',
          'ready="erver"\nuser=root',
        );
        await lab.machines.sure(RECEIVER, 'systemctl start website');
      },
    },
    plant: badUrl(`http://${RECEIVER}:8080`),
    expect: {
      fleetHealth: { ...SILENT, detail: DEAD },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-contract',
        status: 'red',
        summary: /hello \(unexpected-answer\): correct \[receiver\] url: scheme, name and port$/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'wrong-port',
    title: '[receiver] url has a port where nothing listens',
    plant: badUrl(`http://${RECEIVER}:8499`),
    expect: {
      fleetHealth: { ...SILENT, detail: DEAD },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-tcp',
        status: 'red',
        summary: /econnrefused\): .*correct the port in \[receiver\] url$/,
      },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'unknown-name',
    title: '[receiver] url has a name that does not resolve',
    plant: badUrl('http://reciever.lab:8490'),
    expect: {
      fleetHealth: { ...SILENT, detail: DEAD },
      doctor: { machine: 'lab-1', check: 'receiver-name', status: 'red', summary: /\(name-not-found\)/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'small-packets-only',
    title: 'a link on the way drops full-size packets',
    plant: async (lab) => {
      // One packet for each segment, as a card without offloading sends them.
      await lab.machines.sure('lab-1', 'ip link set dev eth0 gso_max_segs 1');
      await lab.machines.atSwitch('ip link set dev v-receiver.lab mtu 1300');
    },
    expect: {
      doctor: {
        machine: 'lab-1',
        check: 'receiver-packet',
        status: 'red',
        summary: /\(path-mtu\): a link on the way drops full-size packets$/,
      },
    },
    cure: 'doctor',
  },
];
