// Hosts and alerts as a receiver tells them, for the tests.

import {
  type Alert,
  alertsSchema,
  type Fleet,
  type FleetHost,
  fleetSchema,
  type OpenAlert,
} from './receiver-answers.ts';
import { type View, viewFor } from './terminal/styles.ts';

export const NOW_MS = Date.parse('2026-05-01T12:00:00Z');
export const HEAD = '4f2a9c1b7d3e5f60718293a4b5c6d7e8f9012345';

export function wallAgo(seconds: number): string {
  return new Date(NOW_MS - seconds * 1000).toISOString().replace('Z', '000+00:00');
}

/** Well, unless `more` says otherwise. */
export function aHost(host_id: string, more: Record<string, unknown> = {}): FleetHost {
  const [host] = aFleet([{ host_id, state: 'ok', last_stored_at: wallAgo(60), alerts: [], ...more }]).hosts;
  if (!host) throw new Error('no host');
  return host;
}

export function aFleet(hosts: readonly unknown[], ofFleet: readonly OpenAlert[] = []): Fleet {
  return fleetSchema.parse({ generated_at: wallAgo(0), head: HEAD, verdict: { alerts: ofFleet }, hosts });
}

export function anAlert(symptom: string, more: Record<string, unknown> = {}): Alert {
  const alert = { id: '1a2b3c4d', host: 'lab-1', symptom, severity: 'critical', state: 'firing', since: wallAgo(600) };
  const [parsed] = alertsSchema.parse({
    alerts: [{ ...alert, detail: 'it is so', suggested_fix: 'mend it', ...more }],
  }).alerts;
  if (!parsed) throw new Error('no alert');
  return parsed;
}

export function plainView(columns?: number, rows?: number): View {
  return { ...viewFor({}, {}), columns, rows };
}
