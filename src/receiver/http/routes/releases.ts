// The releases for the hosts: which one a host should run, and its bundle.

import { z } from 'zod';
import { parseCommit } from '../../../protocol/commit.ts';
import { hostIdSchema } from '../../../protocol/ids.ts';
import {
  PLATFORMS,
  type Platform,
  RELEASE_HEAD_PATH,
  type Release,
  releaseHeadSchema,
} from '../../../protocol/release.ts';
import { BUNDLE_SUFFIX } from '../../../protocol/release-files.ts';
import { keyOf } from '../../../storage/releases.ts';
import { hostOf } from '../../identity/principal.ts';
import { chooseRelease } from '../../releases/choose-release.ts';
import type { RouteDependencies } from '../route-dependencies.ts';
import { answerNothing, answerProblem } from '../route-environment.ts';
import type { RouteTable } from '../route-table.ts';
import { answerStoredFile, STORED_FILE_ENDPOINT } from '../stored-file-answer.ts';

const BUNDLE_PATH = '/v1/releases/{commit}/{platform}.tar.zst';

const headQuerySchema = z.object({
  platform: z.enum(PLATFORMS).meta({ description: 'What the bundle is to run on' }),
  host: hostIdSchema.optional().meta({
    description:
      "For a credential of no single host: which one asks. Without it: what is rolled out to all. A host's own says it itself",
  }),
});

const bundleQuerySchema = z.object({
  release: z.coerce.number().int().positive().optional().meta({
    description: 'The number, where a commit was published under several; the highest without it',
  }),
});

export function registerReleases(routes: RouteTable, { releases, rollOuts, logger }: RouteDependencies): void {
  routes.add(
    {
      method: 'get',
      path: RELEASE_HEAD_PATH,
      summary: 'The release that a host should run',
      action: 'read-releases',
      query: headQuerySchema,
      answer: { status: 200, description: 'Its description, and where the bundle is', schema: releaseHeadSchema },
      also: { status: 204, description: 'There is none' },
      problems: ['database-busy'],
    },
    async ({ context, query: { platform, host }, principal }) => {
      const own = hostOf(principal);
      if (own !== null && host !== undefined && host !== own)
        return answerProblem(context, 'forbidden', `this credential does not allow it for host ${host}`);
      const [published, decided] = await Promise.all([releases.list(), rollOuts.list()]);
      const release = chooseRelease(published, decided, { platform, hostId: own ?? host });
      return release ? context.json({ ...release, url: urlOf(release) }) : answerNothing(context);
    },
  );
  routes.add(
    {
      method: 'get',
      path: BUNDLE_PATH,
      summary: 'A release bundle',
      ...STORED_FILE_ENDPOINT,
      action: 'read-releases',
      query: bundleQuerySchema,
      problems: ['not-found', 'range-not-satisfiable', 'file-missing'],
    },
    async ({ context, query }) => {
      const [commit, name] = [context.req.param('commit') ?? '', context.req.param('name') ?? ''];
      const platform = platformIn(name);
      const release = (await releases.list()).findLast(
        (one) =>
          one.commit === parseCommit(commit) &&
          one.platform === platform &&
          (query.release === undefined || one.release_number === query.release),
      );
      if (!release) return answerProblem(context, 'not-found', 'no such release is published');
      const { sha256, bytes, release_number: number } = release;
      const key = keyOf(release);
      const shown = `release ${number} for ${release.platform}`;
      if ((await releases.bundleBytes(key)) !== bytes) {
        const cure = 'publish the same release once more: cis490 release publish DIR';
        logger.error({ number, platform, cure }, 'the bundle of a release is missing or has another size');
        return answerProblem(context, 'file-missing', `the bundle of ${shown} is missing or damaged`);
      }
      const read = (range?: { start: number; end: number }) => releases.readBundle(key, range);
      return await answerStoredFile(context, { name: shown, sha256, sizeBytes: bytes, read });
    },
  );
}

function urlOf({ commit, platform, release_number }: Release): string {
  return `/v1/releases/${commit}/${platform}${BUNDLE_SUFFIX}?release=${release_number}`;
}

function platformIn(name: string): Platform | undefined {
  return PLATFORMS.find((platform) => name === platform + BUNDLE_SUFFIX);
}
