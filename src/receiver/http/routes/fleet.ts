// GET /v1/fleet: what is known of each host.

import { type FleetHost, fleetHostSchema, fleetSchema } from '../../../protocol/answers.ts';
import type { Outcomes } from '../../attempts/attempt-counter.ts';
import type { HostKnowledge } from '../../fleet/fleet-view.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

const WINDOW_MIN = 30;

export function registerFleet(routes: RouteTable, dependencies: RouteDependencies): void {
  routes.add(
    {
      method: 'get',
      path: '/v1/fleet',
      summary: 'What is known of each host',
      action: 'read-fleet',
      answer: { status: 200, description: 'By host id', schema: fleetSchema },
      problems: ['not-ready'],
    },
    async ({ context }) => {
      const { fleet, attemptCounter, gate, clock } = dependencies;
      const outcomes = attemptCounter.recent(WINDOW_MIN);
      const hosts = (await fleet.hosts()).map((host) => describe(host, outcomes.get(host.hostId) ?? {}, dependencies));
      return context.json({ generated_at: clock.wallTime(), head: gate.head(), hosts });
    },
  );
  routes.add(
    {
      method: 'get',
      path: '/v1/fleet/{host_id}',
      summary: 'What is known of one host',
      action: 'read-fleet',
      answer: { status: 200, description: 'The host', schema: fleetHostSchema },
      problems: ['bad-host-id', 'not-found', 'not-ready'],
    },
    async ({ context, hostId }) => {
      const host = await dependencies.fleet.find(hostId);
      if (!host) return answerProblem(context, 'not-found', `nothing is known of host ${hostId}`);
      const outcomes = dependencies.attemptCounter.recent(WINDOW_MIN).get(hostId) ?? {};
      return context.json(describe(host, outcomes, dependencies));
    },
  );
}

function describe(host: HostKnowledge, outcomes: Outcomes, { fleet, gate, clock }: RouteDependencies): FleetHost {
  const { hostId, last, heartbeat, doctor, heardAtWall } = host;
  const day = host.day.sum(clock.wallTime());
  const seen = [last?.received_at_wall, heartbeat?.receivedAtWall, doctor?.receivedAtWall, heardAtWall];
  return {
    host_id: hostId,
    expected: fleet.isExpected(hostId),
    last_seen_at:
      seen
        .filter((time) => time !== undefined)
        .toSorted()
        .at(-1) ?? null,
    last_stored_at: last?.received_at_wall ?? null,
    episodes: host.episodes,
    bytes: host.sizeBytes,
    episodes_24h: day.episodes,
    bytes_24h: day.sizeBytes,
    window_min: WINDOW_MIN,
    outcomes,
    commit: last?.commit ?? null,
    head_distance: last?.commit ? gate.distanceOf(last.commit) : null,
    heartbeat: heartbeat ? { ...heartbeat.body, received_at_wall: heartbeat.receivedAtWall } : null,
    doctor: doctor ? { status: doctor.status, received_at_wall: doctor.receivedAtWall } : null,
  };
}
