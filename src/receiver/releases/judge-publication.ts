// Whether a release may be published beside those that are. Pure. Hosts go by the number alone, so one number is one release for good.

import { AppError } from '../../lib/app-error.ts';
import type { Release } from '../../protocol/release.ts';

/** What is to be done with each bundle. `description`: its bytes are there, it has more signatures now. */
export interface Publication {
  release: Release;
  task: 'bundle' | 'description' | 'nothing';
}

/** `offered`: of one number and commit. Throws `bad-input`. */
export function judgePublication(published: readonly Release[], offered: readonly Release[]): Publication[] {
  const number = offered[0]?.release_number ?? 0;
  const sameNumber = published.filter(({ release_number }) => release_number === number);
  const highest = Math.max(0, ...published.map(({ release_number }) => release_number));
  if (sameNumber.length === 0 && number < highest) {
    throw new AppError('bad-input', `release ${number} is not above release ${highest}, which is published`, {
      hint: `hosts go up only: build into another directory and sign that as --number ${highest + 1}`,
    });
  }
  return offered.map((release) => {
    const { commit, platform } = release;
    const other = sameNumber.find((there) => there.commit !== commit);
    if (other) {
      throw new AppError('bad-input', `release ${number} is published already, of commit ${other.commit}`, {
        hint: `build into another directory and sign that as --number ${highest + 1}`,
      });
    }
    const there = sameNumber.find((one) => one.platform === platform);
    if (!there) return { release, task: 'bundle' };
    if (there.sha256 !== release.sha256 || there.bytes !== release.bytes) {
      throw new AppError('bad-input', `release ${number} is published already for ${platform}, with other bytes`, {
        hint: `sign it as another one: --number ${highest + 1}`,
      });
    }
    const signatures = withOthers(release.signatures, there.signatures);
    const task = signatures.length > there.signatures.length ? 'description' : 'nothing';
    return { release: { ...release, signatures }, task };
  });
}

function withOthers(offered: Release['signatures'], there: Release['signatures']): Release['signatures'] {
  const isNew = ({ key_id }: { key_id: string }) => there.every((one) => one.key_id !== key_id);
  return [...there, ...offered.filter(isNew)];
}
