// /v1/fleet/{host_id}/retire: a lab host that is gone for good, so that nobody is told that it is silent; and back again.

import { retiredHostSchema } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { reasonBodySchema } from '../../alerts/read-silence.ts';
import { retireHost } from '../../fleet/retire-host.ts';
import { nameOf } from '../../identity/principal.ts';
import { readJsonAs } from '../read-json.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerNothing, answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

const PATH = '/v1/fleet/{host_id}/retire';

export function registerRetiredHosts(
  routes: RouteTable,
  dependencies: RouteDependencies,
  alertBoard: AlertBoard,
): void {
  const { control, fleet, clock, limits, logger } = dependencies;
  routes.add(
    {
      method: 'post',
      path: PATH,
      summary: 'Retire a host: what is not heard of it is no fault any more',
      description:
        'Its episodes stay, and it may still ship. Of a host that is retired already the first decision stands.',
      action: 'retire-host',
      body: { schema: reasonBodySchema, description: 'Why' },
      answer: { status: 200, description: 'The decision that stands', schema: retiredHostSchema },
      problems: ['bad-host-id', 'bad-body', 'too-large', 'not-found', 'database-busy', 'disk-full'],
    },
    async ({ context, principal, hostId }) => {
      const read = await readJsonAs(context, limits.pace, reasonBodySchema);
      if (read.kind === 'refused') return read.answer;
      if (!fleet.isKnown(hostId)) return answerProblem(context, 'not-found', `nothing is known of host ${hostId}`);
      const { host } = await retireHost({ control, clock, by: nameOf(principal) }, hostId, read.value.reason);
      alertBoard.changed();
      const { retiredAt: at, by, reason } = host;
      logger.info({ host: hostId, by, reason }, 'host retired');
      return context.json({ host_id: hostId, at, by, reason });
    },
  );
  routes.add(
    {
      method: 'delete',
      path: PATH,
      summary: 'Take a retired host back into the fleet',
      action: 'retire-host',
      answer: { status: 204, description: 'It is expected to work again' },
      problems: ['bad-host-id', 'not-found', 'database-busy', 'disk-full'],
    },
    async ({ context, principal, hostId }) => {
      if (!(await control.returnHost(hostId)))
        return answerProblem(context, 'not-found', `host ${hostId} is not retired`);
      alertBoard.changed();
      logger.info({ host: hostId, by: nameOf(principal) }, 'host returned');
      return answerNothing(context);
    },
  );
}
