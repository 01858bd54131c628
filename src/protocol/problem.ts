// Error answers (RFC 9457, application/problem+json) and the one table that gives each code its HTTP status.

import { z } from 'zod';

export const PROBLEMS = {
  'bad-request': [400, 'The request is not well-formed'],
  'bad-target': [400, 'The request target is malformed'],
  'bad-query': [400, 'A query parameter is not valid'],
  'bad-body': [400, 'The body is not what is expected here'],
  'bad-host-id': [400, 'The host id is not valid'],
  'bad-episode-id': [400, 'The episode id is not valid'],
  'bad-suffix': [400, 'The episode name must end in .tar.zst'],
  'commit-missing': [400, 'The episode does not say which commit made it'],
  'commit-malformed': [400, 'The commit is not a full git commit'],
  'digest-missing': [400, 'The body has no declared SHA-256'],
  'digest-malformed': [400, 'The declared digest is malformed or contradicts itself'],
  'digest-mismatch': [400, 'The body is not what its digest says'],
  'tus-request-malformed': [400, 'The request is not as tus 1.0 has it, or asks for an extension that is not served'],
  'content-range-refused': [400, 'Partial bodies are not accepted'],
  'credential-missing': [401, 'A credential is needed'],
  'credential-invalid': [401, 'The credential is not valid'],
  forbidden: [403, 'The credential does not allow this'],
  'not-found': [404, 'There is nothing here'],
  'upload-not-found': [404, 'There is no such upload: begin anew'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'request-timeout': [408, 'The request did not arrive in time'],
  conflict: [409, 'Another episode is stored under this id'],
  retracted: [409, 'The episode was retracted: its id is never stored again'],
  'upload-offset-mismatch': [409, 'The upload goes on at another byte'],
  gone: [410, 'The episode was retracted'],
  'upload-expired': [410, 'The upload has expired: begin anew'],
  'commit-not-in-window': [412, 'The commit is not among the last ones of the branch'],
  'commit-blocked': [412, 'The commit is known to make bad data'],
  'dirty-refused': [412, 'The episode was made from a modified tree'],
  'tus-version-unsupported': [412, 'Another version of tus than 1.0.0'],
  'too-large': [413, 'The body is larger than the receiver takes'],
  'encoding-refused': [415, 'Content codings are not accepted'],
  'range-not-satisfiable': [416, 'What is asked for has no such bytes'],
  'expectation-failed': [417, 'The expectation cannot be met'],
  'too-many-uploads': [429, 'As many uploads of this host are under way as the receiver keeps'],
  'headers-too-large': [431, 'The headers are too large'],
  'internal-error': [500, 'The receiver failed'],
  'file-missing': [500, 'A file of the store is not there'],
  'not-ready': [503, 'The receiver cannot store now'],
  'too-many-followers': [503, 'As many follow it as the receiver serves'],
  'gate-unknown': [503, 'The receiver has not learnt yet which commits are current'],
  'gate-stale': [503, 'The receiver cannot learn now which commits are current'],
  'sync-failed': [503, 'The receiver could not make the episode durable'],
  'database-busy': [503, 'The receiver could not reach its own records in time'],
  stopping: [503, 'The receiver is stopping'],
  'disk-reserve': [507, 'The store is down to its reserve'],
  'disk-full': [507, 'The store is full'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** Members that some problems add to the standard ones. */
const extrasSchema = z.object({
  /** Shell commands, joined by newlines. */
  remediation: z.string().optional(),
  your_commit: z.string().nullish(),
  head_commit: z.string().nullish(),
  head_distance: z.int().nonnegative().optional(),
  stored_sha256: z.string().optional(),
});
export type ProblemExtras = z.infer<typeof extrasSchema>;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(PROBLEM_CODES),
    request_id: z.string(),
    ...extrasSchema.shape,
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export function makeProblem(code: ProblemCode, detail: string, requestId: string, extras: ProblemExtras = {}): Problem {
  const [status, title] = PROBLEMS[code];
  return { type: `urn:cis490:problem:${code}`, title, status, detail, code, request_id: requestId, ...extras };
}

/** What a client reads of an error answer: from us with a code, from the older receiver without. */
export const receivedProblemSchema = z.object({
  code: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
  remediation: z.string().optional().catch(undefined),
  head_commit: z.string().nullish().catch(undefined),
});
