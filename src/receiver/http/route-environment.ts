// What each route finds in its context, and the problem that all of them answer alike.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode, ProblemExtras } from '../../protocol/problem.ts';
import type { Principal } from '../identity/principal.ts';
import { problemAnswer } from './problem-answer.ts';

export interface RouteEnvironment {
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse };
  /** Undefined where no credential is asked for. */
  Variables: { principal: Principal | undefined };
}

export function answerProblem(
  context: Context<RouteEnvironment>,
  code: ProblemCode,
  detail: string,
  extras: ProblemExtras = {},
): Response {
  const requestId = String(context.env.outgoing.getHeader(HEADER.requestId) ?? '');
  const { status, headers, body } = problemAnswer(code, detail, requestId, extras);
  return new Response(body, { status, headers });
}

/** 204: with its id, which an answer without a body does not take over by itself. */
export function answerNothing(context: Context<RouteEnvironment>): Response {
  const requestId = String(context.env.outgoing.getHeader(HEADER.requestId) ?? '');
  return new Response(null, { status: 204, headers: { [HEADER.requestId]: requestId } });
}
