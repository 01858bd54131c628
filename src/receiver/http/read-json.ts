// A JSON object out of a request's body, whatever its Content-Type says: curl -T sends none.

import type { Context } from 'hono';
import type { PaceLimits } from './body-pace.ts';
import { readBytes } from './read-bytes.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

export type ReadObject =
  | { kind: 'object'; value: Record<string, unknown>; bytes: Buffer }
  | { kind: 'refused'; answer: Response };

export async function readJsonObject(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  mostBytes: number,
): Promise<ReadObject> {
  const read = await readBytes(context, pace, mostBytes);
  if (read.kind === 'refused') return read;
  const { bytes } = read;
  try {
    // With its byte order mark, which is no JSON: what is kept is handed out inside of other JSON as it came.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { kind: 'object', value: value as Record<string, unknown>, bytes };
    }
    return refused(context, 'the body must be one JSON object');
  } catch {
    return refused(context, 'the body is not JSON in UTF-8');
  }
}

function refused(context: Context<RouteEnvironment>, detail: string): ReadObject {
  return { kind: 'refused', answer: answerProblem(context, 'bad-body', detail) };
}
