// GET /v1/fleet: what is known of each host, what fires for it, and the verdict on all of them.

import { fleetHostInFullSchema, fleetSchema } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { readFleet, readFleetHost } from '../../fleet/read-fleet.ts';
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
    async ({ context }) => context.json(await readFleet(dependencies, alertBoard)),
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
      const host = await readFleetHost(dependencies, alertBoard, hostId);
      return host ? context.json(host) : answerProblem(context, 'not-found', `nothing is known of host ${hostId}`);
    },
  );
}
