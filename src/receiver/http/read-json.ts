// A JSON object out of a request's body, whatever its Content-Type says: curl -T sends none.

import type { Context } from 'hono';
import type { PaceLimits } from './body-pace.ts';
import { readSmallBody } from './read-body.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

export type ReadObject =
  | { kind: 'object'; value: Record<string, unknown>; bytes: Buffer }
  | { kind: 'refused'; answer: Response };

export async function readJsonObject(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  mostBytes: number,
): Promise<ReadObject> {
  const { incoming, outgoing } = context.env;
  if (
    incoming.httpVersion === '1.1' &&
    /^100-continue$/i.test(incoming.headers.expect ?? '') &&
    Number(incoming.headers['content-length'] ?? 0) <= mostBytes
  ) {
    outgoing.writeContinue();
  }
  const bytes = await readSmallBody(incoming, pace, mostBytes);
  // Nobody is left to read this answer.
  if (bytes === 'aborted') return refused(context, 'bad-body', 'the body was cut off');
  if (bytes === 'too-large') return refused(context, 'too-large', `at most ${mostBytes} bytes are taken here`);
  try {
    // With its byte order mark, which is no JSON: what is kept is handed out inside of other JSON as it came.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { kind: 'object', value: value as Record<string, unknown>, bytes };
    }
    return refused(context, 'bad-body', 'the body must be one JSON object');
  } catch {
    return refused(context, 'bad-body', 'the body is not JSON in UTF-8');
  }
}

function refused(context: Context<RouteEnvironment>, code: 'bad-body' | 'too-large', detail: string): ReadObject {
  return { kind: 'refused', answer: answerProblem(context, code, detail) };
}
