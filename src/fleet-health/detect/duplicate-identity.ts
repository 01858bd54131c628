// duplicate-identity: two machines under one host id at the same time. One that took another's place is none: their times do not overlap.

import type { Heartbeat } from '../../storage/host-state.ts';
import { isHeard, readHeartbeat } from '../heartbeat-facts.ts';
import type { Detector, Observed } from '../observed.ts';
import { parseTimeMs } from '../parse-time.ts';
import { onHost } from './cures.ts';

interface Period {
  machine: string;
  firstMs: number;
  lastMs: number;
  isFresh: boolean;
}

export const duplicateIdentity: Detector = {
  symptom: 'duplicate-identity',
  rests: ['heartbeats'],
  tells: isHeard,
  detect: (observed) =>
    [...(observed.heartbeats ?? [])].flatMap(([host, heartbeats]) => {
      const living = periodsOf(heartbeats, observed).filter(({ isFresh }) => isFresh);
      const doubles = living.filter((one) => living.some((other) => overlap(one, other)));
      if (doubles.length === 0) return [];
      const detail = `${doubles.length} machines send under this id at once: ${doubles.map(({ machine }) => nameOf(machine)).join(', ')}`;
      const suggestedFix = `${onHost(host, 'hostname -I; cat /etc/machine-id')} # tells which of them this is; then, on the other, a host_id of its own: sudoedit /etc/cis490/lab-host.toml; sudo systemctl restart cis490-shipper`;
      return [{ host, symptom: 'duplicate-identity', detail, suggestedFix }];
    }),
};

/** One for each machine, over all of its boots. */
function periodsOf(heartbeats: readonly Heartbeat[], observed: Observed): Period[] {
  const boots = heartbeats.flatMap((heartbeat) => {
    const firstMs = parseTimeMs(heartbeat.firstReceivedAtWall);
    const lastMs = parseTimeMs(heartbeat.receivedAtWall);
    if (firstMs === undefined || lastMs === undefined) return [];
    return [{ machine: heartbeat.machine, firstMs, lastMs, isFresh: readHeartbeat(heartbeat, observed).isFresh }];
  });
  return [...Map.groupBy(boots, ({ machine }) => machine)].map(([machine, ofMachine]) => ({
    machine,
    firstMs: Math.min(...ofMachine.map(({ firstMs }) => firstMs)),
    lastMs: Math.max(...ofMachine.map(({ lastMs }) => lastMs)),
    isFresh: ofMachine.some(({ isFresh }) => isFresh),
  }));
}

function overlap(one: Period, other: Period): boolean {
  return one !== other && one.lastMs > other.firstMs && other.lastMs > one.firstMs;
}

/** A hash of the host's: enough of it to tell one from the other. */
function nameOf(machine: string): string {
  return machine.replace(/[^A-Za-z0-9._-]/g, '?').slice(0, 12);
}
