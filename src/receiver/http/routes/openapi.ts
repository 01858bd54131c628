// GET /v1/openapi.json: this contract, made from the descriptions that the endpoints themselves run by.

import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteEnvironment } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';

const CONTRACT_VERSION = '1';

export function registerOpenApi(
  routes: RouteTable,
  { version }: RouteDependencies,
  app: OpenAPIHono<RouteEnvironment>,
): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'certificate', { type: 'mutualTLS' });
  let document: ReturnType<typeof app.getOpenAPI31Document> | undefined;
  routes.add(
    {
      method: 'get',
      path: '/v1/openapi.json',
      summary: 'This contract as OpenAPI 3.1',
      action: 'read-contract',
      answer: { status: 200, description: 'The document', schema: z.looseObject({}) },
    },
    ({ context }) => {
      document ??= app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'CIS490 receiver',
          version: version === null ? CONTRACT_VERSION : `${CONTRACT_VERSION}+${version.slice(0, 12)}`,
          description: 'Every answer carries X-Request-Id. Errors are problems (RFC 9457); their `code` is stable.',
          license: { name: 'MIT' },
        },
        servers: [{ url: '/' }],
        security: [{ bearer: [] }, { certificate: [] }],
      });
      return context.json(document);
    },
  );
}
