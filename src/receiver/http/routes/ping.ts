// POST /v1/ping: shows a host that its whole path to the receiver works, credential included. Writes nothing.

import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Clock } from '../../../lib/clock.ts';
import { pingAnswerSchema } from '../../../protocol/answers.ts';
import type { VersionGate } from '../../version-gate/version-gate.ts';
import { type RouteEnvironment, requires } from '../route-environment.ts';

const route = createRoute({
  method: 'post',
  path: '/v1/ping',
  middleware: [requires('ping')] as const,
  summary: 'Check the path and the credential',
  responses: {
    200: { description: 'The receiver heard it', content: { 'application/json': { schema: pingAnswerSchema } } },
  },
});

export function registerPing(
  app: OpenAPIHono<RouteEnvironment>,
  { gate, clock, version }: { gate: VersionGate; clock: Clock; version: string | null },
): void {
  app.openapi(route, (context) => {
    return context.json(
      {
        ok: true as const,
        host_id: null,
        server_time: clock.wallTime(),
        version,
        gate: { enabled: gate.enabled, head: gate.head() },
      },
      200,
    );
  });
}
