// A release that is ready to be published, without being built: what the receiver looks at is its description, its digest and its signature.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signRelease } from '../../src/lab-host/autoupdate/autoupdate.fixture.ts';
import { PLATFORMS, type Release } from '../../src/protocol/release.ts';
import { BUNDLE_SUFFIX, DESCRIPTION_SUFFIX, releaseFileStem } from '../../src/protocol/release-files.ts';
import { sha256 } from './episodes.ts';

export interface SignedRelease {
  directory: string;
  /** One a platform. */
  releases: Release[];
}

/** `directory` is made. The bundles' bytes are noise. */
export function writeSignedRelease(directory: string, about: { number: number; commit: string }): SignedRelease {
  mkdirSync(directory, { recursive: true });
  const key = generateKeyPairSync('ed25519');
  const releases = PLATFORMS.map((platform) => {
    const bundle = randomBytes(300_000);
    const described = { release_number: about.number, commit: about.commit, platform };
    const release = signRelease({ ...described, sha256: sha256(bundle), bytes: bundle.byteLength }, key);
    const stem = join(directory, releaseFileStem(release));
    writeFileSync(stem + BUNDLE_SUFFIX, bundle);
    writeFileSync(stem + DESCRIPTION_SUFFIX, JSON.stringify(release));
    return release;
  });
  return { directory, releases };
}
