// GET /v1/openapi.json: this contract, made from the descriptions that the endpoints themselves run by.

import { z } from 'zod';
import type { RouteDependencies } from '../route-dependencies.ts';
import type { RouteTable } from '../route-table.ts';

export function registerOpenApi(routes: RouteTable, { version }: RouteDependencies): void {
  let document: object | undefined;
  routes.add(
    {
      method: 'get',
      path: '/v1/openapi.json',
      summary: 'This contract as OpenAPI 3.1',
      action: 'read-contract',
      answer: { status: 200, description: 'The document', schema: z.looseObject({}) },
    },
    async ({ context }) => {
      const { makeContractDocument } = await import('../contract-document.ts');
      document ??= makeContractDocument(routes.endpoints, version);
      return context.json(document);
    },
  );
}
