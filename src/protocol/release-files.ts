// A release's files, as the maintainer's machine writes them and the receiver keeps them: each bundle with its description beside it.

import { z } from 'zod';
import { type Platform, releaseSchema } from './release.ts';

export const BUNDLE_SUFFIX = '.tar.zst';
export const DESCRIPTION_SUFFIX = '.json';

const DESCRIPTION_NAME = /^cis490-[0-9a-f]{40,64}-[a-z0-9-]+\.json$/;

/** As it was built: the number comes with the first signature. */
export const releaseDraftSchema = z.object({
  ...releaseSchema.shape,
  release_number: releaseSchema.shape.release_number.optional(),
});

export type ReleaseDraft = z.output<typeof releaseDraftSchema>;

/** Without the suffix of either. */
export function releaseFileStem({ commit, platform }: { commit: string; platform: Platform }): string {
  return `cis490-${commit}-${platform}`;
}

export function isDescriptionName(name: string): boolean {
  return DESCRIPTION_NAME.test(name);
}
