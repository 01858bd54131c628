// All that the fleet's page is made of, looked at once: the hosts, their last day, and whether the receiver, its gate and the monitor
// do their work. A store that does not answer keeps nobody from seeing that.

import type { Clock } from '../../../lib/clock.ts';
import type { FleetHost } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { type FleetAnswer, readFleet } from '../../fleet/read-fleet.ts';
import type { RouteDependencies } from '../../http/route-dependencies.ts';
import type { StripDay } from '../show/strip.ts';

const READINESS_WAIT_MS = 1_000;
// As the receiver's doctor has it; the branch is read once a minute, however quiet it is.
const GATE_LATE_MS = 5 * 60_000;
// The timer runs it every five minutes.
const MONITOR_LATE_MS = 15 * 60_000;

export interface FleetPicture {
  fleet: FleetAnswer;
  /** What keeps the receiver from storing, one sentence each. */
  cannotStore: readonly string[];
  /** When the branch was last read, if that is too long ago; undefined for a gate that sees, or is off. */
  gateBlind: { since: string | null; why: string } | undefined;
  /** When the monitor last ran, if that is too long ago. */
  monitorLate: { since: string | null } | undefined;
  dayOf: (host: FleetHost) => StripDay;
  /** What an older heartbeat says is no longer so, milliseconds. */
  heartbeatFreshMs: number;
  /** A wall time. */
  now: string;
}

type PictureSources = Pick<
  RouteDependencies,
  | 'fleet'
  | 'attemptCounter'
  | 'gate'
  | 'hostState'
  | 'monitorState'
  | 'stateThresholds'
  | 'clock'
  | 'readiness'
  | 'ledger'
>;

/** Throws as `readFleet` does. */
export async function lookAtFleet(sources: PictureSources, alertBoard: AlertBoard): Promise<FleetPicture> {
  const { gate, stateThresholds } = sources;
  const [fleet, cannotStore, gateStatus, known] = await Promise.all([
    readFleet(sources, alertBoard),
    whyNotReady(sources),
    gate.status(),
    sources.fleet.hosts(),
  ]);
  const now = fleet.generated_at;
  const nowMs = Date.parse(now);
  const days = new Map(known.map(({ hostId, day }) => [hostId, day]));
  const refusals = sources.attemptCounter.refusedDay();
  const isLate = (since: string | null, afterMs: number) => since === null || nowMs - Date.parse(since) > afterMs;
  const { enabled, lastError, refreshedAt } = gateStatus;
  const isBlind = enabled && gate.isKnown() && lastError !== null && isLate(refreshedAt, GATE_LATE_MS);
  return {
    fleet,
    cannotStore,
    gateBlind: isBlind ? { since: refreshedAt, why: lastError } : undefined,
    monitorLate: isLate(fleet.monitor_ran_at, MONITOR_LATE_MS) ? { since: fleet.monitor_ran_at } : undefined,
    dayOf: ({ host_id, episodes, episodes_24h }) => ({
      stored: days.get(host_id)?.episodes(nowMs) ?? [],
      refused: refusals.get(host_id)?.refused,
      failed: refusals.get(host_id)?.failed,
      hasStoredBefore: episodes > episodes_24h,
      silentAfterMin: stateThresholds.silent_threshold_min,
      now,
    }),
    heartbeatFreshMs: stateThresholds.heartbeat_fresh_s * 1000,
    now,
  };
}

async function whyNotReady({
  readiness,
  ledger,
  clock,
}: Pick<PictureSources, 'readiness' | 'ledger'> & { clock: Clock }): Promise<readonly string[]> {
  const isKnown = new AbortController();
  try {
    return await Promise.race([
      readiness.reasons(ledger),
      clock
        .sleep(READINESS_WAIT_MS, isKnown.signal)
        .then(() => [`the store has not answered within ${READINESS_WAIT_MS / 1000} s`]),
    ]);
  } finally {
    isKnown.abort();
  }
}
