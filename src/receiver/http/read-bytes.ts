// A small body as it came, or the problem that says why it was not taken. Whoever waits for 100 before its body gets it.

import type { Context } from 'hono';
import type { PaceLimits } from './body-pace.ts';
import { readSmallBody } from './read-body.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

export type ReadBytes = { kind: 'bytes'; bytes: Buffer } | { kind: 'refused'; answer: Response };

export async function readBytes(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  mostBytes: number,
): Promise<ReadBytes> {
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
  return { kind: 'bytes', bytes };
}

function refused(context: Context<RouteEnvironment>, code: 'bad-body' | 'too-large', detail: string): ReadBytes {
  return { kind: 'refused', answer: answerProblem(context, code, detail) };
}
