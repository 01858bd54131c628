// GET /metrics: what the receiver counts and knows, for Prometheus to pull.

import { z } from 'zod';
import type { AlertBoard } from '../../alerts/alert-board.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteTable } from '../route-table.ts';

export function registerMetrics(routes: RouteTable, dependencies: RouteDependencies, alertBoard: AlertBoard): void {
  const { metrics } = dependencies;
  routes.add(
    {
      method: 'get',
      path: '/metrics',
      summary: 'Metrics in the text format of Prometheus',
      description: 'What each of them means is in docs/metrics.md.',
      action: 'read-metrics',
      answer: {
        status: 200,
        description: 'The exposition; a part that cannot be read is missing, and cis490_collector_success says so',
        schema: z.string(),
        contentType: 'text/plain',
      },
    },
    async ({ context }) => {
      // A reload replaces some of the dependencies: those of now.
      const page = await metrics.page({ ...dependencies, alertBoard });
      return context.body(page, 200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
    },
  );
}
