// GET /v1/fleet: what is known of each host, what fires for it, and the verdict on all of them.

import { WHOLE_FLEET } from '../../../protocol/alert.ts';
import {
  type FleetHost,
  type FleetVerdict,
  fleetHostInFullSchema,
  fleetSchema,
  HOST_STATES,
  type HostState,
} from '../../../protocol/answers.ts';
import type { AlertBoard, Board } from '../../alerts/alert-board.ts';
import type { Outcomes } from '../../attempts/attempt-counter.ts';
import { describeHost, WINDOW_MIN } from '../../fleet/describe-host.ts';
import { reportedChecksOf } from '../../fleet/doctor-status.ts';
import type { HostKnowledge } from '../../fleet/fleet-view.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

export function registerFleet(routes: RouteTable, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  routes.add(
    {
      method: 'get',
      path: '/v1/fleet',
      summary: 'What is known of each host, and how the fleet is as a whole',
      action: 'read-fleet',
      answer: { status: 200, description: 'By host id', schema: fleetSchema },
      problems: ['not-ready', 'database-busy'],
    },
    async ({ context }) => {
      const { fleet, attemptCounter, gate, clock } = dependencies;
      const [known, board] = await Promise.all([fleet.hosts(), alertBoard.now()]);
      const outcomes = attemptCounter.recent(WINDOW_MIN);
      const now = clock.wallTime();
      const hosts = known.map((host) => describe(host, outcomes.get(host.hostId) ?? {}, { dependencies, board, now }));
      return context.json({ generated_at: now, head: gate.head(), verdict: verdictOn(hosts, board), hosts });
    },
  );
  routes.add(
    {
      method: 'get',
      path: '/v1/fleet/{host_id}',
      summary: 'What is known of one host, with the checks of its doctor as inert text',
      action: 'read-fleet',
      answer: { status: 200, description: 'The host', schema: fleetHostInFullSchema },
      problems: ['bad-host-id', 'not-found', 'not-ready', 'database-busy'],
    },
    async ({ context, hostId }) => {
      const { fleet, attemptCounter, hostState, clock } = dependencies;
      const [known, board] = await Promise.all([fleet.find(hostId), alertBoard.now()]);
      if (!known) return answerProblem(context, 'not-found', `nothing is known of host ${hostId}`);
      const outcomes = attemptCounter.recent(WINDOW_MIN).get(hostId) ?? {};
      const host = describe(known, outcomes, { dependencies, board, now: clock.wallTime() });
      if (!host.doctor) return context.json(host);
      // A damaged report has no checks to show; GET /v1/host-health tells of the damage.
      const report = await hostState.getReport(hostId).catch(() => undefined);
      const checks = report ? reportedChecksOf(report.content) : [];
      return context.json({ ...host, doctor: { ...host.doctor, checks } });
    },
  );
}

function describe(
  host: HostKnowledge,
  outcomes: Outcomes,
  from: { dependencies: RouteDependencies; board: Board; now: string },
): FleetHost {
  const { fleet, gate, stateThresholds } = from.dependencies;
  return describeHost(host, {
    isExpected: fleet.isExpected(host.hostId),
    retired: from.board.retired.get(host.hostId),
    alerts: from.board.alertsOf(host.hostId),
    outcomes,
    distanceOf: (commit) => gate.distanceOf(commit),
    thresholds: stateThresholds,
    now: from.now,
  });
}

function verdictOn(hosts: readonly FleetHost[], board: Board): FleetVerdict {
  const states = Object.fromEntries(Object.keys(HOST_STATES).map((state) => [state, 0])) as Record<HostState, number>;
  for (const { state } of hosts) states[state] += 1;
  return { states, alerts: [...board.alertsOf(WHOLE_FLEET)] };
}
