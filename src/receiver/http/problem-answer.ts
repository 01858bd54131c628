// Error answers on the wire: problem+json with the request's id, and the headers that go with some statuses.

import type { ServerResponse } from 'node:http';
import { AppError } from '../../lib/app-error.ts';
import { makeProblem, PROBLEMS, type ProblemCode, type ProblemExtras } from '../../protocol/problem.ts';

const RETRY_AFTER_S = 5;

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function problemAnswer(
  code: ProblemCode,
  detail: string,
  requestId: string,
  extras: ProblemExtras = {},
): ProblemAnswer {
  const [status] = PROBLEMS[code];
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' };
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer realm="cis490"';
  if (status === 503 || status === 429) headers['Retry-After'] = String(RETRY_AFTER_S);
  return { status, headers, body: `${JSON.stringify(makeProblem(code, detail, requestId, extras))}\n` };
}

/** Nothing happens when there was an answer before: the client sent something malformed meanwhile, and was told so. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: ProblemAnswer): void {
  if (response.headersSent) return;
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

// Failures of the storage that a client can do something with: it tries again, or the maintainer makes room.
const TOLD = new Set<string>([
  'disk-full',
  'sync-failed',
  'stopping',
  'database-busy',
  'not-ready',
] satisfies ProblemCode[]);

/** How a failure is told. Of one that only the log explains, no more than that. */
export function problemOf(error: unknown): { code: ProblemCode; detail: string } {
  if (error instanceof AppError && TOLD.has(error.code))
    return { code: error.code as ProblemCode, detail: error.message };
  return { code: 'internal-error', detail: 'the receiver failed; its log has the cause under this request_id' };
}
