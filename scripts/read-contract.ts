// The contract as the receiver gives it at /v1/openapi.json, without a receiver: its routes describe themselves before anything is asked of
// what stands behind them.

import { createRoutes } from '../src/receiver/http/routes.ts';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface Content {
  description?: string;
  content?: Record<string, { schema?: Schema }>;
}

export interface Operation {
  summary: string;
  description?: string;
  security?: unknown[];
  'x-roles'?: string[];
  'x-roles-for-head'?: string[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: Content;
  responses: Record<string, Content>;
}

export interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export async function readContract(): Promise<Contract> {
  const authenticator = { authenticate: async () => ({ kind: 'known', principal: { role: 'open' } }) };
  const dependencies = new Proxy({ authenticator, version: null } as object, {
    get: (known, name) => Reflect.get(known, name) ?? (name === 'version' ? null : nothing()),
  });
  const app = createRoutes(dependencies as Parameters<typeof createRoutes>[0]);
  const environment = { incoming: { headers: {} }, outgoing: { headersSent: true, getHeader: () => '' } };
  const answer = await app.request('/v1/openapi.json', {}, environment as never);
  if (!answer.ok) throw new Error(`/v1/openapi.json: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Contract;
}

/** Whatever is asked of it is there, and does nothing. */
function nothing(): unknown {
  const proxy: unknown = new Proxy(() => undefined, {
    get: (_, name) => {
      if (name === 'then') return undefined;
      if (name === Symbol.iterator) return [][Symbol.iterator];
      return name === Symbol.toPrimitive ? () => 0 : proxy;
    },
    apply: () => proxy,
    construct: () => proxy as object,
  });
  return proxy;
}
