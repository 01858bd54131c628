// The contract as OpenAPI 3.1, made from the endpoints' own descriptions. Loaded when somebody asks for it: it takes some megabytes.

import {
  extendZodWithOpenApi,
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { isEpisodeId, isHostId } from '../../protocol/ids.ts';
import { PROBLEMS, type ProblemCode, problemSchema } from '../../protocol/problem.ts';
import { PLATFORMS } from '../../protocol/release.ts';
import { rolesFor } from '../identity/roles-for.ts';
import type { Endpoint } from './route-table.ts';

extendZodWithOpenApi(z);

const CONTRACT_VERSION = '1';

/** `receiverVersion`: the commit that the receiver runs, or null. */
export function makeContractDocument(
  endpoints: readonly Endpoint<z.ZodObject>[],
  receiverVersion: string | null,
): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'certificate', { type: 'mutualTLS' });
  for (const endpoint of endpoints) registry.registerPath(toOpenApi(endpoint));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'CIS490 receiver',
      version: receiverVersion === null ? CONTRACT_VERSION : `${CONTRACT_VERSION}+${receiverVersion.slice(0, 12)}`,
      description: 'Every answer carries X-Request-Id. Errors are problems (RFC 9457); their `code` is stable.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { certificate: [] }],
  });
}

const COMMON_PROBLEMS: ProblemCode[] = ['credential-missing', 'credential-invalid', 'forbidden', 'internal-error'];
const PARAMETERS: Record<string, z.ZodType> = {
  host_id: z.string().refine(isHostId).meta({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
  episode_id: z.string().refine(isEpisodeId).meta({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
  commit: z.string().meta({ pattern: '^(?:[0-9a-f]{40}|[0-9a-f]{64})$' }),
  platform: z.enum(PLATFORMS),
  upload_id: z.string().meta({ pattern: '^[0-9a-f]{32}$' }),
  alert_id: z.string().meta({ pattern: '^[0-9a-f]{8}$' }),
  silence_id: z.string().meta({ pattern: '^[0-9a-f]{8}$' }),
};

function toOpenApi(endpoint: Endpoint<z.ZodObject>): RouteConfig {
  const {
    method,
    path,
    summary,
    description,
    action,
    headAction,
    query,
    headers,
    body,
    answer,
    also,
    problems = [],
  } = endpoint;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const codes = [
    ...problems,
    ...(query ? (['bad-query'] as const) : []),
    ...(action === undefined ? [] : COMMON_PROBLEMS),
  ];
  const byStatus = Object.groupBy(new Set(codes), (code) => PROBLEMS[code][0]);
  const content = (schema: z.ZodType, contentType = 'application/json') => ({ [contentType]: { schema } });
  return {
    method,
    path,
    summary,
    ...(description !== undefined && { description }),
    ...(action === undefined ? { security: [] } : { 'x-roles': rolesFor(action) }),
    ...(headAction && { 'x-roles-for-head': rolesFor(headAction) }),
    request: {
      ...(names.length > 0 && {
        params: z.object(Object.fromEntries(names.map((name) => [name, PARAMETERS[name] ?? z.string()]))),
      }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && {
        body: {
          required: true,
          description: body.description,
          content: content(
            body.schema,
            body.contentType ?? (endpoint.path.includes('.tar.zst') ? 'application/zstd' : undefined),
          ),
        },
      }),
    },
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.schema && { content: content(answer.schema, answer.contentType) }),
      },
      ...(also && {
        [also.status]: { description: also.description, ...(also.schema && { content: content(also.schema) }) },
      }),
      ...Object.fromEntries(
        Object.entries(byStatus).map(([status, group = []]) => [
          status,
          {
            description: group.map((code) => `\`${code}\``).join(', '),
            content: content(problemSchema, 'application/problem+json'),
          },
        ]),
      ),
    },
  };
}
