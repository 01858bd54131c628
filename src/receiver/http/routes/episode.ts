// One stored episode: its bytes, or a part of them; and its retraction. What has no ledger row does not exist, whatever lies on the disk.

import { z } from 'zod';
import { indexTombstoneSchema } from '../../../protocol/answers.ts';
import type { ProblemCode } from '../../../protocol/problem.ts';
import type { BlobKey } from '../../../storage/blob-store.ts';
import { nameOf } from '../../identity/principal.ts';
import { readIds } from '../../ingest/check-episode.ts';
import { retractEpisode } from '../../ingest/retract-episode.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { answerStoredFile, STORED_FILE_ENDPOINT } from '../stored-file-answer.ts';

const PATH = '/v1/episodes/{host_id}/{episode_id}.tar.zst';
const ID_PROBLEMS: ProblemCode[] = ['bad-host-id', 'bad-episode-id', 'bad-suffix'];

export function registerEpisode(routes: RouteTable, dependencies: RouteDependencies): void {
  const { ledger, blobs } = dependencies;
  routes.add(
    {
      method: 'get',
      path: PATH,
      summary: 'A stored episode',
      ...STORED_FILE_ENDPOINT,
      action: 'read-episode',
      headAction: 'read-episode-headers',
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
      return await answerStoredFile(context, {
        name: nameOfKey(key),
        sha256,
        sizeBytes: bytes,
        read: (range) => blobs.read(key, range),
      });
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
