// Programs that do not run, hang, or are no longer started.

import type { Fault } from '../fault.ts';
import { RECEIVER } from '../lab.ts';

const WORDS_OF_DEAD = /^nothing stored for 20 min .*dead: its last heartbeat came 20 min/;

export const PROGRAM_FAULTS: Fault[] = [
  {
    id: 'shipper-stopped',
    title: 'the shipper is stopped and disabled',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'systemctl disable --now cis490-shipper');
      await lab.pass(20, ['lab-2']);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: WORDS_OF_DEAD },
      doctor: { machine: 'lab-1', check: 'units', status: 'red', summary: /^cis490-shipper is inactive$/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'doctor',
  },
  {
    id: 'shipper-hangs',
    title: 'the shipper hangs (SIGSTOP)',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'kill -STOP $(cat /run/units/cis490-shipper/pid)');
      await lab.pass(20, ['lab-2']);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'silent', detail: WORDS_OF_DEAD },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'fleet-health',
  },
  {
    id: 'orchestrator-stopped',
    title: 'the orchestrator is stopped',
    lab: { orchestrator: 'lab-1' },
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'systemctl stop cis490-orchestrator');
      await lab.pass(11, ['lab-2']);
      await lab.heard();
    },
    expect: {
      fleetHealth: {
        host: 'lab-1',
        symptom: 'silent',
        detail: /nothing recorded: its heartbeat is fresh, and nothing waits$/,
      },
      doctor: { machine: 'lab-1', check: 'units', status: 'red', summary: /^cis490-orchestrator is inactive$/ },
      fleetView: { host: 'lab-1', state: 'silent' },
    },
    cure: 'fleet-health',
  },
  {
    id: 'receiver-stopped',
    title: 'the receiver is stopped',
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, 'systemctl stop cis490-receiver')),
    expect: {
      fleetHealth: { host: '*', symptom: 'receiver-down', detail: /does not answer at .*ECONNREFUSED/ },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-tcp',
        status: 'red',
        summary: /econnrefused\): nothing listens there/,
      },
    },
    cure: 'fleet-health',
  },
  {
    id: 'receiver-stopped-by-its-doctor',
    title: 'the receiver is stopped, and its own doctor is asked',
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, 'systemctl disable --now cis490-receiver')),
    expect: {
      fleetHealth: { host: '*', symptom: 'receiver-down', detail: /does not answer/ },
      doctor: { machine: RECEIVER, check: 'units', status: 'red', summary: /^cis490-receiver is inactive$/ },
    },
    cure: 'doctor',
  },
  {
    id: 'receiver-hangs',
    title: 'the receiver hangs (SIGSTOP)',
    plant: async (lab) => {
      await lab.machines.sure(RECEIVER, 'kill -STOP $(cat /run/units/cis490-receiver/pid)');
      lab.edits('lab-1', 'lab-host.toml', 'true');
    },
    expect: {
      fleetHealth: { host: '*', symptom: 'receiver-down', detail: /nothing came within 5 s/ },
      doctor: { machine: 'lab-1', check: 'receiver-packet', status: 'red', summary: /\(silent\)/ },
    },
    cure: 'doctor',
  },
  {
    id: 'proxy-without-receiver',
    title: 'the proxy is up, and the receiver behind it is down',
    lab: {
      caddy: true,
      url: `http://${RECEIVER}:8480`,
      monitorKeys: 'receiver_url = "http://127.0.0.1:8480"\n',
    },
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, 'systemctl stop cis490-receiver')),
    expect: {
      fleetHealth: { host: '*', symptom: 'receiver-down', detail: /what answers is no receiver \(status 502\)/ },
      doctor: {
        machine: 'lab-1',
        check: 'receiver-contract',
        status: 'red',
        summary: /^status 502 \(http-502\): the proxy answers, and the receiver behind it does not$/,
      },
    },
    cure: 'doctor',
  },
  {
    id: 'receiver-answers-500',
    title: 'the receiver answers 500: root has taken over incoming/',
    plant: async (lab) => {
      // What it has stored lies behind the window.
      await lab.pass(7, []);
      await lab.machines.sure(RECEIVER, 'cd /var/lib/cis490; chown root: incoming; chmod 0755 incoming');
      await lab.publish('lab-1', { count: 3 });
      await lab.refusals('lab-1', 10);
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'fatal-only', detail: /none stored: 0 refused, \d+ failed/ },
      doctor: {
        machine: RECEIVER,
        check: 'store',
        status: 'red',
        summary: /the receiver may not write it: \/var\/lib\/cis490\/incoming/,
      },
      fleetView: { host: 'lab-1', state: 'refused' },
    },
    cure: 'doctor',
  },
  {
    id: 'doctor-timer-disabled',
    title: 'the timer of the doctor is disabled',
    plant: async (lab) => void (await lab.machines.sure('lab-1', 'systemctl disable --now cis490-doctor-check.timer')),
    expect: {
      doctor: { machine: 'lab-1', check: 'timers', status: 'red', summary: /^cis490-doctor-check.timer is inactive$/ },
    },
    cure: 'doctor',
  },
  {
    id: 'no-doctor-report',
    title: 'no report of the doctor has come for 60 hours',
    plant: async (lab) => {
      await lab.machines.sure('lab-1', 'systemctl start cis490-doctor-check');
      await lab.machines.sure(RECEIVER, 'touch -d "60 hours ago" /var/lib/cis490/host-health/lab-1.json');
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'unhealthy', detail: /^its last doctor report came 60 h 0 min ago$/ },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'fleet-health',
  },
  {
    id: 'monitor-timer-disabled',
    title: 'the timer of fleet-health is disabled',
    plant: async (lab) => void (await lab.machines.sure(RECEIVER, 'systemctl disable --now cis490-fleet-health.timer')),
    expect: {
      doctor: { machine: RECEIVER, check: 'timers', status: 'red', summary: /^cis490-fleet-health.timer is inactive$/ },
    },
    cure: 'doctor',
  },
  {
    id: 'autoupdate-fails',
    title: 'the last update failed',
    plant: async (lab) => {
      const last = (result: string) =>
        `echo '{"source":"git","last":{"result":"${result}","at_wall":"'$(date -u +%FT%TZ)'","commit":"${lab.head}","target":"${lab.head}","detail":"no route to the forge","failures":3}}' >/var/lib/cis490/update-state.json`;
      await lab.machines.sure('lab-1', last('failed'));
      lab.edits('lab-1', 'autoupdate', last('updated'));
      await lab.heard();
    },
    expect: {
      fleetHealth: { host: 'lab-1', symptom: 'update-failed', detail: /^its last update to [0-9a-f]{12} failed/ },
      doctor: {
        machine: 'lab-1',
        check: 'autoupdate',
        status: 'red',
        summary: /failed at .*, 3 times in a row: no route to the forge/,
      },
      fleetView: { host: 'lab-1', state: 'sick' },
    },
    cure: 'fleet-health',
  },
];
