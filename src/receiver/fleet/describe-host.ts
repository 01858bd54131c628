// One host as the fleet's views show it: what is stored, what it says of itself, what fires for it, and the one word for all of it.

import type { FleetHost, HostState, OpenAlert } from '../../protocol/answers.ts';
import type { RetiredHost } from '../../storage/control.ts';
import type { Outcomes } from '../attempts/attempt-counter.ts';
import { describeRed } from './doctor-status.ts';
import type { HostKnowledge } from './fleet-view.ts';
import { hostStateWord, type StateThresholds } from './host-state-word.ts';

export const WINDOW_MIN = 30;

export interface HostContext {
  isExpected: boolean;
  retired: RetiredHost | undefined;
  alerts: readonly OpenAlert[];
  /** Of the last WINDOW_MIN minutes. */
  outcomes: Outcomes;
  distanceOf: (commit: string) => number | null;
  thresholds: StateThresholds;
  /** The wall time, milliseconds since 1970. */
  nowMs: number;
}

export function describeHost(host: HostKnowledge, context: HostContext): FleetHost {
  const { hostId, last, heartbeat, doctor, heardAtWall } = host;
  const { retired, alerts, outcomes } = context;
  const day = host.day.sum(context.nowMs);
  return {
    host_id: hostId,
    state: stateOf(host, context),
    expected: context.isExpected,
    retired: retired ? { at: retired.retiredAt, by: retired.by, reason: retired.reason } : null,
    alerts: [...alerts],
    last_seen_at: latestOf(last?.received_at_wall, heartbeat?.receivedAtWall, doctor?.receivedAtWall, heardAtWall),
    last_stored_at: last?.received_at_wall ?? null,
    episodes: host.episodes,
    bytes: host.sizeBytes,
    episodes_24h: day.episodes,
    bytes_24h: day.sizeBytes,
    window_min: WINDOW_MIN,
    outcomes,
    commit: last?.commit ?? null,
    head_distance: last?.commit ? context.distanceOf(last.commit) : null,
    heartbeat: heartbeat ? { ...heartbeat.body, received_at_wall: heartbeat.receivedAtWall } : null,
    doctor: doctor
      ? { status: doctor.status, received_at_wall: doctor.receivedAtWall, red: describeRed(doctor.redChecks, hostId) }
      : null,
  };
}

/** Wall times sort as text. */
function latestOf(...times: (string | undefined)[]): string | null {
  let latest: string | null = null;
  for (const time of times) if (time !== undefined && (latest === null || time > latest)) latest = time;
  return latest;
}

function stateOf({ last, heartbeat, doctor }: HostKnowledge, context: HostContext): HostState {
  const { retired, alerts, outcomes, thresholds, nowMs } = context;
  const signs = {
    nowMs,
    isRetired: retired !== undefined,
    symptoms: alerts.map(({ symptom }) => symptom),
    lastStoredAtMs: last && Date.parse(last.received_at_wall),
    heartbeat: heartbeat && { receivedAtMs: Date.parse(heartbeat.receivedAtWall), body: heartbeat.body },
    outcomes,
    doctor: doctor?.status,
  };
  return hostStateWord(signs, thresholds);
}
