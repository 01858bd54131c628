// A JSON object out of a request's body, whatever its Content-Type says (curl -T sends none), or the problem that says what is wrong
// with it.

import type { Context } from 'hono';
import type { z } from 'zod';
import type { PaceLimits } from './body-pace.ts';
import { explainMistakes } from './explain-mistakes.ts';
import { readBytes } from './read-bytes.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

const MOST_BYTES = 16 * 1024;

type Refused = { kind: 'refused'; answer: Response };

/** As an endpoint describes it. */
export async function readJsonAs<Schema extends z.ZodType>(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  schema: Schema,
  mostBytes = MOST_BYTES,
): Promise<{ kind: 'read'; value: z.output<Schema> } | Refused> {
  const read = await readJsonObject(context, pace, mostBytes);
  if (read.kind === 'refused') return read;
  const parsed = schema.safeParse(read.value);
  return parsed.success ? { kind: 'read', value: parsed.data } : refused(context, explainMistakes(parsed.error));
}

export async function readJsonObject(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  mostBytes: number,
): Promise<{ kind: 'object'; value: object; bytes: Buffer } | Refused> {
  const read = await readBytes(context, pace, mostBytes);
  if (read.kind === 'refused') return read;
  const { bytes } = read;
  try {
    // With its byte order mark, which is no JSON: what is kept is handed out inside of other JSON as it came.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { kind: 'object', value, bytes };
    return refused(context, 'the body must be one JSON object');
  } catch {
    return refused(context, 'the body is not JSON in UTF-8');
  }
}

function refused(context: Context<RouteEnvironment>, detail: string): Refused {
  return { kind: 'refused', answer: answerProblem(context, 'bad-body', detail) };
}
