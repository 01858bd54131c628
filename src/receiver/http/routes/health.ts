// GET /healthz: the process answers. GET /readyz: it can store, which is what a load balancer or a deployment waits for.

import { healthSchema, readySchema } from '../../../protocol/answers.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

export function registerHealth(routes: RouteTable): void {
  routes.add(
    {
      method: 'get',
      path: '/healthz',
      summary: 'The receiver is alive',
      action: undefined,
      answer: { status: 200, description: 'It answers', schema: healthSchema },
    },
    ({ context }) => context.json({ ok: true }),
  );
}

export function registerReadiness(routes: RouteTable, dependencies: RouteDependencies): void {
  routes.add(
    {
      method: 'get',
      path: '/readyz',
      summary:
        'The receiver can store: its store is writable, above its reserve, its ledger is read, and its gate knows commits',
      action: 'read-readiness',
      answer: { status: 200, description: 'It can', schema: readySchema },
      problems: ['not-ready'],
    },
    async ({ context }) => {
      const reasons = await dependencies.readiness.reasons(dependencies.ledger);
      return reasons.length === 0
        ? context.json({ ready: true })
        : answerProblem(context, 'not-ready', reasons.join('; '));
    },
  );
}
