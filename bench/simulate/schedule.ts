// When each simulated host does what: an open workload. Each time is set before the run begins, and nothing that is slow puts it off.

import { hash } from 'node:crypto';

export type Kind = 'episode' | 'heartbeat' | 'host-health';

/** Seconds between two of a host's own. */
export type Periods = Record<Kind, number>;

export interface Event {
  atMs: number;
  /** 0 … hosts - 1. */
  host: number;
  kind: Kind;
  /** The how many-th of its host and kind. */
  number: number;
}

// As the shipper does it: hosts that were switched on together send their first heartbeat within this.
const FIRST_HEARTBEAT_WITHIN_S = 30;

/** All that these hosts do within the time, in order. */
export function scheduleOf(options: {
  hosts: Iterable<number>;
  periods: Periods;
  seconds: number;
  speed: number;
  seed: number;
}): Event[] {
  const { hosts, periods, seconds, speed, seed } = options;
  const events: Event[] = [];
  for (const host of hosts) {
    for (const [kind, periodS] of Object.entries(periods) as [Kind, number][]) {
      const withinS = kind === 'heartbeat' ? Math.min(FIRST_HEARTBEAT_WITHIN_S, periodS) : periodS;
      const firstS = (partOf(`${seed}:${host}:${kind}`) * withinS) / speed;
      for (let number = 0; ; number += 1) {
        const atS = firstS + (number * periodS) / speed;
        if (atS >= seconds) break;
        events.push({ atMs: atS * 1000, host, kind, number });
      }
    }
  }
  return events.sort((one, other) => one.atMs - other.atMs);
}

/** 0 ≤ x < 1, the same for the same text. */
function partOf(text: string): number {
  return Buffer.from(hash('sha256', text), 'hex').readUInt32BE() / 2 ** 32;
}
