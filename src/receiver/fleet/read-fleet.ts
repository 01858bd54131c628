// The fleet as its views show it, in one look at all sources: what /v1/fleet answers and what the dashboard renders.

import type { Clock } from '../../lib/clock.ts';
import { WHOLE_FLEET } from '../../protocol/alert.ts';
import {
  type FleetHost,
  type FleetVerdict,
  HOST_STATES,
  type HostState,
  type ReportedChecks,
} from '../../protocol/answers.ts';
import type { HostState as HostReports } from '../../storage/host-state.ts';
import type { MonitorState } from '../../storage/monitor-state.ts';
import type { AlertBoard, Board } from '../alerts/alert-board.ts';
import type { AttemptCounter, Outcomes } from '../attempts/attempt-counter.ts';
import type { VersionGate } from '../version-gate/version-gate.ts';
import { describeHost, WINDOW_MIN } from './describe-host.ts';
import { reportedChecksOf } from './doctor-status.ts';
import type { FleetView, HostKnowledge } from './fleet-view.ts';
import type { StateThresholds } from './host-state-word.ts';

export interface FleetSources {
  fleet: FleetView;
  attemptCounter: AttemptCounter;
  gate: VersionGate;
  hostState: Pick<HostReports, 'getReport'>;
  monitorState: Pick<MonitorState, 'lastRunAt'>;
  stateThresholds: StateThresholds;
  clock: Clock;
}

export interface FleetAnswer {
  generated_at: string;
  head: string | null;
  monitor_ran_at: string | null;
  verdict: FleetVerdict;
  hosts: FleetHost[];
}

export type FleetHostInFull = Omit<FleetHost, 'doctor'> & {
  doctor: (NonNullable<FleetHost['doctor']> & { checks: ReportedChecks }) | null;
};

/** Throws `not-ready` while the ledger is being read, and what the board throws. */
export async function readFleet(sources: FleetSources, alertBoard: AlertBoard): Promise<FleetAnswer> {
  const { fleet, attemptCounter, gate, monitorState, clock } = sources;
  const [known, board, ranAt] = await Promise.all([fleet.hosts(), alertBoard.now(), monitorState.lastRunAt()]);
  const outcomes = attemptCounter.recent(WINDOW_MIN);
  const now = clock.wallTime();
  const nowMs = Date.parse(now);
  const hosts = known.map((host) => describe(host, outcomes.get(host.hostId) ?? {}, { sources, board, nowMs }));
  return {
    generated_at: now,
    head: gate.head(),
    monitor_ran_at: ranAt,
    verdict: verdictOn(hosts, board),
    hosts,
  };
}

/** Undefined when nothing is known of it. Throws as `readFleet` does. */
export async function readFleetHost(
  sources: FleetSources,
  alertBoard: AlertBoard,
  hostId: string,
): Promise<FleetHostInFull | undefined> {
  const { fleet, attemptCounter, hostState, clock } = sources;
  const [known, board] = await Promise.all([fleet.find(hostId), alertBoard.now()]);
  if (!known) return undefined;
  const outcomes = attemptCounter.recent(WINDOW_MIN).get(hostId) ?? {};
  const host = describe(known, outcomes, { sources, board, nowMs: Date.parse(clock.wallTime()) });
  if (!host.doctor) return { ...host, doctor: null };
  // A damaged report has no checks to show; GET /v1/host-health tells of the damage.
  const report = await hostState.getReport(hostId).catch(() => undefined);
  return { ...host, doctor: { ...host.doctor, checks: report ? reportedChecksOf(report.content) : [] } };
}

function describe(
  host: HostKnowledge,
  outcomes: Outcomes,
  { sources, board, nowMs }: { sources: FleetSources; board: Board; nowMs: number },
): FleetHost {
  const { fleet, gate, stateThresholds } = sources;
  return describeHost(host, {
    isExpected: fleet.isExpected(host.hostId),
    retired: board.retired.get(host.hostId),
    alerts: board.alertsOf(host.hostId),
    outcomes,
    distanceOf: (commit) => gate.distanceOf(commit),
    thresholds: stateThresholds,
    nowMs,
  });
}

function verdictOn(hosts: readonly FleetHost[], board: Board): FleetVerdict {
  const states = Object.fromEntries(Object.keys(HOST_STATES).map((state) => [state, 0])) as Record<HostState, number>;
  for (const { state } of hosts) states[state] += 1;
  return { states, alerts: [...board.alertsOf(WHOLE_FLEET)] };
}
