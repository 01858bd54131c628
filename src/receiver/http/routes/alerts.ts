// /v1/alerts: what the monitor has found, and the maintainer's word that it is known.

import { z } from 'zod';
import { ALERT_STATES, acknowledgedSchema, alertsSchema } from '../../../protocol/answers.ts';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import { acknowledgeAlert } from '../../alerts/decide.ts';
import { describeAlert } from '../../alerts/describe-alert.ts';
import { alertHostSchema, reasonBodySchema } from '../../alerts/read-silence.ts';
import { nameOf } from '../../identity/principal.ts';
import { readJsonAs } from '../read-json.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

const querySchema = z.object({
  state: z.enum(ALERT_STATES).optional(),
  host: alertHostSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export function registerAlerts(routes: RouteTable, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  const { monitorState, clock, limits } = dependencies;
  routes.add(
    {
      method: 'get',
      path: '/v1/alerts',
      summary: 'What the monitor has found, the newest first',
      action: 'read-alerts',
      query: querySchema,
      answer: { status: 200, description: 'At most limit of them', schema: alertsSchema },
      problems: ['database-busy'],
    },
    async ({ context, query: { state, host, limit } }) => {
      const now = clock.wallTime();
      const [alerts, silences] = await Promise.all([
        monitorState.listAlerts({ limit, ...(state && { state }), ...(host !== undefined && { host }) }),
        monitorState.listSilences(now),
      ]);
      return context.json({ alerts: alerts.map((alert) => describeAlert(alert, silences, now)) });
    },
  );
  routes.add(
    {
      method: 'post',
      path: '/v1/alerts/{alert_id}/acknowledge',
      summary: 'Say that an alert is known: nobody is reminded of it until it is resolved',
      description: 'An acknowledgement replaces the one before. One that has been resolved meanwhile is not found.',
      action: 'acknowledge-alert',
      body: { schema: reasonBodySchema, description: 'Why' },
      answer: { status: 200, description: 'Acknowledged', schema: acknowledgedSchema },
      problems: ['bad-body', 'too-large', 'not-found', 'database-busy', 'disk-full'],
    },
    async ({ context, principal }) => {
      const read = await readJsonAs(context, limits.pace, reasonBodySchema);
      if (read.kind === 'refused') return read.answer;
      const id = context.req.param('alert_id') ?? '';
      const decision = { by: nameOf(principal), reason: read.value.reason };
      const outcome = await acknowledgeAlert({ ...dependencies, alertBoard }, id, decision);
      if (outcome.kind === 'not-found') return answerProblem(context, 'not-found', 'no alert has this id');
      if (outcome.kind === 'resolved')
        return answerProblem(context, 'not-found', `alert ${id} has been resolved: nothing is to be acknowledged`);
      return context.json({ id, acknowledged: outcome.acknowledged });
    },
  );
}
