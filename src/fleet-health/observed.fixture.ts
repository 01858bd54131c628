// What a run may have read, for tests: nothing is amiss until a test says so.

import type { Heartbeat } from '../storage/host-state.ts';
import type { Observed } from './observed.ts';
import type { Thresholds } from './thresholds.ts';

export const NOW = '2026-05-01T12:00:00.000000+00:00';
export const NOW_MS = Date.parse(NOW);

export const THRESHOLDS: Thresholds = {
  lookback_hours: 24,
  silent_threshold_min: 30,
  recent_window_min: 30,
  fatal_ratio_threshold: 0.95,
  fatal_min_count: 10,
  heartbeat_fresh_s: 900,
  never_seen_after_s: 7_200,
  stale_code_ratio: 0.8,
  backlog_oldest_s: 7_200,
  quarantine_growth: 10,
  doctor_max_age_s: 129_600,
  clock_skew_s: 120,
  fleet_silent_ratio: 0.5,
  update_lag_s: 21_600,
};

export function observed(more: Partial<Observed> = {}): Observed {
  return {
    nowMs: NOW_MS,
    thresholds: THRESHOLDS,
    ledger: new Map(),
    attempts: new Map(),
    heartbeats: new Map(),
    reports: new Map(),
    gate: undefined,
    receiver: undefined,
    expectedSinceMs: new Map(),
    retired: new Set(),
    quarantineGrowth: new Map(),
    updateCommands: { git: ['git pull', 'install.sh'], release: ['autoupdate'] },
    ...more,
  };
}

/** `agoS`: before NOW. */
export function wallAgo(agoS: number): string {
  return new Date(NOW_MS - agoS * 1000).toISOString().replace('Z', '000+00:00');
}

export function heartbeat(hostId: string, agoS: number, body: object = {}, more: Partial<Heartbeat> = {}): Heartbeat {
  const receivedAtWall = wallAgo(agoS);
  return {
    hostId,
    machine: 'm-1',
    bootId: 'b-1',
    receivedAtWall,
    firstReceivedAtWall: receivedAtWall,
    body: { host_id: hostId, sent_at_wall: receivedAtWall, ...body },
    ...more,
  };
}
