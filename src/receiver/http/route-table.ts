// One description of each endpoint, from which come its routing, its permission, its query's validation, the 405 beside it and its
// place in the OpenAPI document: none of them can disagree with another.

import type { Context, Hono } from 'hono';
import { z } from 'zod';
import { isHostId } from '../../protocol/ids.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import { type Action, allows, hostOf, type Principal } from '../identity/principal.ts';
import { explainMistakes } from './explain-mistakes.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

type Method = 'get' | 'put' | 'post' | 'delete' | 'head' | 'options' | 'patch';

export interface Endpoint<Query extends z.ZodObject> {
  method: Method;
  /** As OpenAPI writes it: `/v1/fleet/{host_id}`. */
  path: string;
  summary: string;
  description?: string;
  /** Undefined: no credential is asked for. */
  action: Action | undefined;
  /** What a HEAD needs, where that is less. */
  headAction?: Action;
  query?: Query;
  headers?: z.ZodObject;
  /** `contentType`: JSON where it is left out. */
  body?: { schema: z.ZodType; description: string; contentType?: string };
  answer: { status: 200 | 201 | 204; description: string; schema?: z.ZodType; contentType?: string };
  /** A second success. */
  also?: { status: 200 | 204; description: string; schema?: z.ZodType };
  /** Beside those that every endpoint may answer with. */
  problems?: ProblemCode[];
}

interface RouteCall<Query extends z.ZodObject> {
  context: Context<RouteEnvironment>;
  query: z.output<Query>;
  principal: Principal;
  /** `/…/{host_id}`, valid; empty where the path has none. */
  hostId: string;
}

type Handler<Query extends z.ZodObject> = (call: RouteCall<Query>) => Response | Promise<Response>;

const NO_QUERY = z.object({});

export class RouteTable {
  readonly #app: Hono<RouteEnvironment>;
  readonly #methods = new Map<string, string[]>();
  /** All that were described, for the contract. */
  readonly endpoints: Endpoint<z.ZodObject>[] = [];

  constructor(app: Hono<RouteEnvironment>) {
    this.#app = app;
  }

  add<Query extends z.ZodObject = typeof NO_QUERY>(endpoint: Endpoint<Query>, handler: Handler<Query>): void {
    this.describe(endpoint);
    this.#app.on(endpoint.method.toUpperCase(), routePath(endpoint.path), async (context) => {
      const principal = context.get('principal') ?? { role: 'open' };
      const hostId = context.req.param('host_id') ?? '';
      const refusal = refusalOf(endpoint, context, principal, hostId);
      if (refusal) return answerProblem(context, ...refusal);
      const query = readQuery((endpoint.query ?? NO_QUERY) as Query, context.req.queries());
      if (query.kind === 'bad') return answerProblem(context, 'bad-query', query.detail);
      return await handler({ context, query: query.value, principal, hostId });
    });
  }

  /** For an endpoint that is served elsewhere. */
  describe(endpoint: Endpoint<z.ZodObject>): void {
    const path = routePath(endpoint.path);
    const methods = endpoint.method === 'get' ? ['GET', 'HEAD'] : [endpoint.method.toUpperCase()];
    this.#methods.set(path, [...(this.#methods.get(path) ?? []), ...methods]);
    this.endpoints.push(endpoint);
  }

  /** After the last endpoint: a path that is served, asked in a way that it does not know (RFC 9110, 15.5.6). */
  answerOtherMethods(): void {
    for (const [path, methods] of this.#methods) {
      const allow = [...methods].sort().join(', ');
      this.#app.all(path, (context) => {
        const answer = answerProblem(context, 'method-not-allowed', `${context.req.path} knows ${allow}`);
        answer.headers.set('Allow', allow);
        return answer;
      });
    }
  }
}

function refusalOf(
  { action, headAction, path }: Endpoint<z.ZodObject>,
  context: Context<RouteEnvironment>,
  principal: Principal,
  hostId: string,
): [code: ProblemCode, detail: string] | undefined {
  const needed = context.req.method === 'HEAD' ? (headAction ?? action) : action;
  // Where the path names no host, what the body says is checked against the credential once it has been read.
  const whose = path.includes('{host_id}') ? hostId : (hostOf(principal) ?? undefined);
  if (needed !== undefined && !allows(principal, needed, whose)) {
    return [
      'forbidden',
      hostId === '' ? 'this credential does not allow it' : `this credential does not allow it for host ${hostId}`,
    ];
  }
  if (!path.includes('{host_id}') || isHostId(hostId)) return undefined;
  return ['bad-host-id', 'the host id must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or digit'];
}

function readQuery<Query extends z.ZodObject>(
  schema: Query,
  given: Record<string, string[]>,
): { kind: 'good'; value: z.output<Query> } | { kind: 'bad'; detail: string } {
  const known = Object.keys(schema.shape);
  for (const [name, values] of Object.entries(given)) {
    if (!known.includes(name))
      return { kind: 'bad', detail: `${name} is not known here; known: ${known.join(', ') || 'none'}` };
    if (values.length > 1) return { kind: 'bad', detail: `${name} is given ${values.length} times` };
  }
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(given).map(([name, values]) => [name, values[0]])));
  if (parsed.success) return { kind: 'good', value: parsed.data };
  return { kind: 'bad', detail: explainMistakes(parsed.error) };
}

/** `{host_id}` → `:host_id`; a tarball's name is judged with its suffix by the handler. */
function routePath(path: string): string {
  return path.replace(/\{\w+\}\.tar\.zst$/, '{name}').replaceAll(/\{(\w+)\}/g, ':$1');
}
