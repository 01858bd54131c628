// What a job in queue/ may say: one schema at the edge, so that whoever runs it can trust it.

import { z } from 'zod';
import { messageOf } from '../../lib/app-error.ts';
import { HOST_ID_PATTERN } from '../../protocol/ids.ts';

/** A larger file is no job: it is never read whole. */
export const MAX_JOB_BYTES = 1024 * 1024;

// execve(2) takes no NUL.
const word = z.string().refine((text) => !text.includes('\0'), 'must not contain a NUL character');

const jobSchema = z.looseObject({
  workload: z.string().regex(HOST_ID_PATTERN, 'must be the name of a workload'),
  id: z
    .string()
    .regex(/^[^\p{Cc}]{1,200}$/u, 'must be 1 to 200 characters without control characters')
    .optional(),
  args: z.array(word).default([]),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must have names of letters, digits and _, no digit first'),
      word,
    )
    .default({}),
});

/** A job as it stands in its file, unknown fields and all. */
export type JobContent = Record<string, unknown>;

export interface Job {
  workload: string;
  /** Its own, else its file's name without `.json`. */
  id: string;
  args: string[];
  env: Record<string, string>;
  content: JobContent;
}

export type ParsedJob =
  | { kind: 'job'; job: Job }
  /** `content` where it is a JSON object at all. */
  | { kind: 'malformed'; reason: string; content: JobContent | undefined };

export function parseJob(fileName: string, text: string): ParsedJob {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return malformed(`it is no JSON: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return malformed('it is no JSON object');
  const content = value as JobContent;
  const parsed = jobSchema.safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return malformed(problems.join('; '), content);
  }
  const { workload, id = fileName.replace(/\.json$/, ''), args, env } = parsed.data;
  return { kind: 'job', job: { workload, id, args, env, content } };
}

function malformed(reason: string, content?: JobContent): ParsedJob {
  return { kind: 'malformed', reason, content };
}
