// GET and HEAD of a stored episode. What has no ledger row does not exist, whatever lies on the disk.

import { Readable } from 'node:stream';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { formatReprDigest } from '../../../protocol/digests.ts';
import type { BlobStore } from '../../../storage/blob-store.ts';
import type { Ledger } from '../../../storage/ledger.ts';
import { readIds } from '../../ingest/check-episode.ts';
import { answerProblem, type RouteEnvironment, requires } from '../route-environment.ts';

export function registerReadEpisode(
  app: OpenAPIHono<RouteEnvironment>,
  { ledger, blobs }: { ledger: Ledger; blobs: BlobStore },
): void {
  // HEAD comes here too, as hono's own rule has it; the answer's body is then dropped.
  app.get('/v1/episodes/:host/:name', requires('read-episode', 'read-episode-headers'), async (context) => {
    const ids = readIds(context.req.param('host'), context.req.param('name'));
    if (ids.kind === 'refused') return answerProblem(context, ids.code, ids.detail);
    const row = await ledger.find(ids.key.hostId, ids.key.episodeId);
    if (!row)
      return answerProblem(context, 'not-found', `no episode ${ids.key.hostId}/${ids.key.episodeId} is stored here`);
    const headers = {
      'Content-Type': 'application/zstd',
      'Content-Length': String(row.bytes),
      ETag: `"${row.sha256}"`,
      'Repr-Digest': formatReprDigest(row.sha256),
    };
    if (context.req.method === 'HEAD') return new Response(null, { headers });
    const bytes = await blobs.read(ids.key);
    return new Response(Readable.toWeb(bytes) as ReadableStream, { headers });
  });
}
