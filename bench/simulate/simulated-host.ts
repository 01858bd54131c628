// One simulated host: what it is called, where it sends from, and what it says of itself.

import { formatWallTime } from '../../src/lib/clock.ts';
import type { Heartbeat } from '../../src/protocol/heartbeat.ts';

/** A pool of its own in the agent, as many ports as it likes, and a peer of its own for the receiver. */
export function addressOf(host: number): string {
  return `127.${1 + (host >> 16)}.${(host >> 8) & 255}.${host & 255}`;
}

export function hostIdOf(host: number): string {
  return `sim-${String(host).padStart(5, '0')}`;
}

export function heartbeatOf(hostId: string, commit: string): string {
  const heartbeat: Heartbeat = {
    host_id: hostId,
    sent_at_wall: formatWallTime(Temporal.Now.instant()),
    machine: `machine-${hostId}`,
    boot_id: `boot-${hostId}`,
    version: { commit, dirty: false },
    backlog: { episodes: 1, bytes: 20_000, oldest_s: 3 },
    held: null,
    quarantine: { episodes: 0, recent: null },
    recording: { last_episode: null, workloads: ['telemetry'] },
    free_bytes: 50_000_000_000,
    update: null,
  };
  return JSON.stringify(heartbeat);
}

// As large as a doctor's report is.
export const HEALTH_REPORT = JSON.stringify({
  status: 'green',
  checks: Array.from({ length: 24 }, (_, index) => ({
    id: `check-${index}`,
    status: 'green',
    summary: 'what it looked at is as it is to be, and took a few words to say',
    took_ms: 7,
  })),
});
