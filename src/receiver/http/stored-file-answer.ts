// The bytes of a stored file, or a part of them, by the file's digest: Range, If-Range, If-None-Match and HEAD (RFC 9110).

import type { Readable } from 'node:stream';
import type { Context } from 'hono';
import parseRange from 'range-parser';
import { z } from 'zod';
import { formatReprDigest } from '../../protocol/digests.ts';
import { answerProblem, type RouteEnvironment } from './route-environment.ts';
import type { Endpoint } from './route-table.ts';
import { streamAnswer } from './stream-answer.ts';

export interface StoredFile {
  /** For a person, in an error. */
  name: string;
  sha256: string;
  sizeBytes: number;
  /** `end` is included. */
  read: (range?: { start: number; end: number }) => Promise<Readable>;
}

/** What an endpoint that answers with one says of itself. */
export const STORED_FILE_ENDPOINT = {
  description:
    'Range (one range), If-Range and If-None-Match are honoured; the ETag is the SHA-256. HEAD gives the headers alone.',
  headers: z.object({
    range: z.string().optional(),
    'if-range': z.string().optional(),
    'if-none-match': z.string().optional(),
  }),
  answer: {
    status: 200,
    description: 'The tarball',
    schema: z.string().meta({ format: 'binary' }),
    contentType: 'application/zstd',
  },
} satisfies Partial<Endpoint<z.ZodObject>>;

export async function answerStoredFile(context: Context<RouteEnvironment>, file: StoredFile): Promise<Response> {
  const { name, sha256, sizeBytes, read } = file;
  const etag = `"${sha256}"`;
  const headers = {
    'Content-Type': 'application/zstd',
    'Accept-Ranges': 'bytes',
    ETag: etag,
    'Repr-Digest': formatReprDigest(sha256),
  };
  if (matches(context.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  const range = rangeOf(context, sizeBytes, etag);
  if (range === 'not-satisfiable') {
    const answer = answerProblem(context, 'range-not-satisfiable', `${name} has ${sizeBytes} bytes`);
    answer.headers.set('Content-Range', `bytes */${sizeBytes}`);
    return answer;
  }
  if (context.req.method === 'HEAD')
    return new Response(null, { headers: { ...headers, 'Content-Length': String(sizeBytes) } });
  if (!range)
    return await streamAnswer(context, 200, { ...headers, 'Content-Length': String(sizeBytes) }, await read());
  const { start, end } = range;
  const part = {
    ...headers,
    'Content-Length': String(end - start + 1),
    'Content-Range': `bytes ${start}-${end}/${sizeBytes}`,
  };
  return await streamAnswer(context, 206, part, await read(range));
}

/** One range is served; what is malformed, and several at once, get the whole, as RFC 9110 (14.2) allows. */
function rangeOf(
  context: Context<RouteEnvironment>,
  sizeBytes: number,
  etag: string,
): { start: number; end: number } | 'not-satisfiable' | undefined {
  const header = context.req.header('range');
  if (header === undefined || context.req.method !== 'GET') return undefined;
  const ifRange = context.req.header('if-range');
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  const ranges = parseRange(sizeBytes, header);
  if (ranges === -1) return 'not-satisfiable';
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
