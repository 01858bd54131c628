// A fleet as its page sees it, for the tests.

import type { FleetHost, OpenAlert } from '../../../protocol/answers.ts';
import { QUARTERS } from '../../fleet/day-quarters.ts';
import type { Page } from '../page.ts';
import type { FleetPicture } from './fleet-picture.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
export const HEAD = '4f2a9c1b7d3e5f60718293a4b5c6d7e8f9012345';

const ALL_DAY = new Uint32Array(QUARTERS).fill(1);

export function wallAgo(seconds: number): string {
  return new Date(Date.parse(NOW) - seconds * 1000).toISOString().replace('Z', '000+00:00');
}

/** Well, unless `more` says otherwise. */
export function aHost(hostId: string, more: Partial<FleetHost> = {}): FleetHost {
  return {
    host_id: hostId,
    state: 'ok',
    expected: true,
    retired: null,
    alerts: [],
    last_seen_at: wallAgo(30),
    last_stored_at: wallAgo(60),
    episodes: 1_000,
    bytes: 1_000_000,
    episodes_24h: 96,
    bytes_24h: 96_000,
    window_min: 30,
    outcomes: {},
    commit: HEAD,
    head_distance: 0,
    heartbeat: null,
    doctor: null,
    ...more,
  };
}

export function anAlert(symptom: OpenAlert['symptom'], more: Partial<OpenAlert> = {}): OpenAlert {
  return {
    id: '1a2b3c4d',
    symptom,
    severity: 'critical',
    since: wallAgo(600),
    detail: 'it is so',
    suggested_fix: 'mend it',
    suppressed: null,
    silenced: null,
    acknowledged: null,
    ...more,
  };
}

export const ACKNOWLEDGED = { at: wallAgo(60), by: 'me', reason: 'on it' };

/** The monitor ran a minute ago, and the receiver can store, unless `more` says otherwise. */
export function aPicture(
  hosts: FleetHost[],
  more: Partial<FleetPicture> = {},
  ofFleet: OpenAlert[] = [],
): FleetPicture {
  const states = { retired: 0, refused: 0, silent: 0, 'never-seen': 0, sick: 0, ok: 0 };
  for (const { state } of hosts) states[state] += 1;
  return {
    fleet: {
      generated_at: NOW,
      head: HEAD,
      monitor_ran_at: wallAgo(60),
      verdict: { states, alerts: ofFleet },
      hosts,
    },
    cannotStore: [],
    gateBlind: undefined,
    monitorLate: undefined,
    dayOf: () => ({
      stored: ALL_DAY,
      refused: undefined,
      failed: undefined,
      hasStoredBefore: true,
      silentAfterMin: 30,
      now: NOW,
    }),
    heartbeatFreshMs: 15 * 60_000,
    now: NOW,
    ...more,
  };
}

export async function textOf(body: Page['body']): Promise<string> {
  return (await body).toString();
}
