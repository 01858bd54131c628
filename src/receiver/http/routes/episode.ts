// One stored episode: its bytes, or a part of them; and its retraction. What has no ledger row does not exist, whatever lies on the disk.

import type { Context } from 'hono';
import parseRange from 'range-parser';
import { z } from 'zod';
import { indexTombstoneSchema } from '../../../protocol/answers.ts';
import { formatReprDigest } from '../../../protocol/digests.ts';
import type { ProblemCode } from '../../../protocol/problem.ts';
import type { BlobKey } from '../../../storage/blob-store.ts';
import { nameOf } from '../../identity/principal.ts';
import { readIds } from '../../ingest/check-episode.ts';
import { retractEpisode } from '../../ingest/retract-episode.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem, type RouteEnvironment } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { streamAnswer } from '../stream-answer.ts';

const PATH = '/v1/episodes/{host_id}/{episode_id}.tar.zst';
const ID_PROBLEMS: ProblemCode[] = ['bad-host-id', 'bad-episode-id', 'bad-suffix'];

export function registerEpisode(routes: RouteTable, dependencies: RouteDependencies): void {
  const { ledger, blobs } = dependencies;
  routes.add(
    {
      method: 'get',
      path: PATH,
      summary: 'A stored episode',
      description:
        'Range (one range), If-Range and If-None-Match are honoured; the ETag is the SHA-256. HEAD gives the headers alone.',
      action: 'read-episode',
      headAction: 'read-episode-headers',
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
      problems: [...ID_PROBLEMS, 'not-found', 'gone', 'range-not-satisfiable', 'file-missing'],
    },
    async ({ context }) => {
      const ids = readIds(context.req.param('host_id') ?? '', context.req.param('name') ?? '');
      if (ids.kind === 'refused') return answerProblem(context, ids.code, ids.detail);
      const { key } = ids;
      const found = await ledger.find(key.hostId, key.episodeId);
      if (!found) return answerProblem(context, 'not-found', `no episode ${nameOfKey(key)} is stored here`);
      if (found.tombstone) {
        const { retracted_at_wall, reason } = found.tombstone;
        return answerProblem(context, 'gone', `${nameOfKey(key)} was retracted at ${retracted_at_wall}: ${reason}`);
      }
      const { sha256, bytes } = found.row;
      if ((await blobs.stat(key))?.sizeBytes !== bytes) {
        dependencies.logger.error(
          { host: key.hostId, episode: key.episodeId, cure: 'cis490 index verify' },
          'the file of a stored episode is missing or has another size',
        );
        return answerProblem(
          context,
          'file-missing',
          `the file of ${nameOfKey(key)} is missing or damaged; the maintainer runs: cis490 index verify`,
        );
      }
      const etag = `"${sha256}"`;
      const headers = {
        'Content-Type': 'application/zstd',
        'Accept-Ranges': 'bytes',
        ETag: etag,
        'Repr-Digest': formatReprDigest(sha256),
      };
      if (matches(context.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
      const range = rangeOf(context, bytes, etag);
      if (range === 'not-satisfiable') {
        const answer = answerProblem(context, 'range-not-satisfiable', `${nameOfKey(key)} has ${bytes} bytes`);
        answer.headers.set('Content-Range', `bytes */${bytes}`);
        return answer;
      }
      if (context.req.method === 'HEAD')
        return new Response(null, { headers: { ...headers, 'Content-Length': String(bytes) } });
      if (!range)
        return await streamAnswer(context, 200, { ...headers, 'Content-Length': String(bytes) }, await blobs.read(key));
      const { start, end } = range;
      const part = {
        ...headers,
        'Content-Length': String(end - start + 1),
        'Content-Range': `bytes ${start}-${end}/${bytes}`,
      };
      return await streamAnswer(context, 206, part, await blobs.read(key, range));
    },
  );
  routes.add(
    {
      method: 'delete',
      path: PATH,
      summary: 'Retract a stored episode: its bytes go, a tombstone stays, its id is never stored again',
      action: 'retract-episode',
      query: z.object({
        reason: z.string().trim().min(1).max(1000).meta({ description: 'Why: it stays in the ledger' }),
      }),
      answer: { status: 200, description: 'The tombstone', schema: indexTombstoneSchema },
      problems: [...ID_PROBLEMS, 'not-found', 'disk-full', 'sync-failed', 'stopping'],
    },
    async ({ context, principal, query: { reason } }) => {
      const ids = readIds(context.req.param('host_id') ?? '', context.req.param('name') ?? '');
      if (ids.kind === 'refused') return answerProblem(context, ids.code, ids.detail);
      const outcome = await retractEpisode(dependencies, ids.key, { reason, by: nameOf(principal) });
      if (outcome.kind === 'not-found')
        return answerProblem(context, 'not-found', `no episode ${nameOfKey(ids.key)} is stored here`);
      return context.json(outcome.tombstone);
    },
  );
}

function nameOfKey({ hostId, episodeId }: BlobKey): string {
  return `${hostId}/${episodeId}`;
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
