// Where the releases of this machine lie, by where this program itself lies. Paths and one look; nothing is changed.

import { readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, errnoOf, isMissing } from '../../lib/app-error.ts';

export interface InstallLayout {
  base: string;
  releases: string;
  /** Bundles under way. */
  incoming: string;
  /** The link that says which release is in force. */
  current: string;
  guard: string;
  /** source = "git": what was fetched. */
  mirror: string;
}

const COMMIT = /^[0-9a-f]{40,64}$/;
const UNPACK_PREFIX = '.unpack-';

function layoutAt(base: string): InstallLayout {
  const at = (name: string) => join(base, name);
  return {
    base,
    releases: at('releases'),
    incoming: at('releases/.incoming'),
    current: at('current'),
    guard: at('guard'),
    mirror: at('git.mirror'),
  };
}

/** `installRoot`: `<base>/releases/<commit>`. Throws `bad-input` for a program that runs from elsewhere. */
export function installLayout(installRoot: string): InstallLayout {
  const releases = dirname(installRoot);
  if (basename(releases) === 'releases' && COMMIT.test(basename(installRoot))) return layoutAt(dirname(releases));
  throw new AppError('bad-input', `${installRoot} is not an installed release, so that it cannot be updated`, {
    hint: 'install it first: sudo scripts/install-lab-host.sh; then: sudo /opt/cis490/bin/cis490 autoupdate',
  });
}

export function releasePath({ releases }: InstallLayout, commit: string): string {
  return join(releases, commit);
}

/** A tree that is not yet, or no longer, a release. `what` begins with the commit. */
export function unpackPath({ releases }: InstallLayout, what: string): string {
  return join(releases, `${UNPACK_PREFIX}${what}`);
}

export function isRelease(name: string): boolean {
  return COMMIT.test(name);
}

export function isUnpacked(name: string): boolean {
  return name.startsWith(UNPACK_PREFIX);
}

/** The commit that `current` names, whether it is there or not. Undefined when there is no such link, or it names no release. */
export async function readCurrent({ current }: InstallLayout): Promise<string | undefined> {
  try {
    const name = basename(await readlink(current));
    return COMMIT.test(name) ? name : undefined;
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}
