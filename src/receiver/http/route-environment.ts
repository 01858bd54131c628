// What each route finds in its context, and the two answers that all of them give alike: a problem, and a refusal by role.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { HEADER } from '../../protocol/headers.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import { type Action, allows, type Principal } from './authentication.ts';
import { problemAnswer } from './problem-answer.ts';

export interface RouteEnvironment {
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse };
  Variables: { principal: Principal };
}

export function answerProblem(context: Context<RouteEnvironment>, code: ProblemCode, detail: string): Response {
  const requestId = String(context.env.outgoing.getHeader(HEADER.requestId) ?? '');
  const { status, headers, body } = problemAnswer(code, detail, requestId);
  return new Response(body, { status, headers });
}

/** Lets only those through who may do it; a HEAD may need less than its GET. */
export function requires(action: Action, headAction: Action = action): MiddlewareHandler<RouteEnvironment> {
  return async (context, next) => {
    const needed = context.req.method === 'HEAD' ? headAction : action;
    if (!allows(context.get('principal'), needed)) {
      return answerProblem(context, 'forbidden', 'this credential does not allow it');
    }
    await next();
    return undefined;
  };
}
