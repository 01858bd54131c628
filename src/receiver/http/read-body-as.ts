// A small JSON body as an endpoint describes it, or the problem that says what is wrong with it.

import type { Context } from 'hono';
import type { z } from 'zod';
import type { PaceLimits } from './body-pace.ts';
import { explainMistakes } from './explain-mistakes.ts';
import { readJsonObject } from './read-json.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';

const MOST_BYTES = 16 * 1024;

export type ReadBody<Value> = { kind: 'read'; value: Value } | { kind: 'refused'; answer: Response };

export async function readBodyAs<Schema extends z.ZodType>(
  context: Context<RouteEnvironment>,
  pace: PaceLimits,
  schema: Schema,
): Promise<ReadBody<z.output<Schema>>> {
  const read = await readJsonObject(context, pace, MOST_BYTES);
  if (read.kind === 'refused') return read;
  const parsed = schema.safeParse(read.value);
  if (parsed.success) return { kind: 'read', value: parsed.data };
  return { kind: 'refused', answer: answerProblem(context, 'bad-body', explainMistakes(parsed.error)) };
}
