// Whether the release that the receiver offers may be installed here. Pure: looks at nothing but what it is given.

import type { KeyObject } from 'node:crypto';
import { AppError } from '../../lib/app-error.ts';
import { isSignedBy, type Platform, type Release } from '../../protocol/release.ts';
import type { UpdateState } from '../../protocol/update-state.ts';
import { badUntil } from './bad-releases.ts';

export interface JudgedBy {
  keys: readonly KeyObject[];
  platform: Platform;
  /** The first digits of a commit. */
  pin: string | undefined;
  state: UpdateState;
  running: string;
  atWall: string;
}

export type HeadVerdict =
  | { kind: 'install' }
  | { kind: 'current' }
  | { kind: 'left-alone'; detail: string; isBad: boolean };

const short = (commit: string) => commit.slice(0, 12);

/** Throws `release-untrusted`, `release-wrong-platform`, `release-number-taken`: what no honest receiver offers. */
export function judgeHead(head: Release, by: JudgedBy): HeadVerdict {
  const { commit, release_number: number, platform } = head;
  const { state, running } = by;
  if (!isSignedBy(head, by.keys)) {
    throw new AppError(
      'release-untrusted',
      `release ${number} (${short(commit)}) is signed by none of the trusted keys`,
      {
        hint: 'compare [autoupdate] release_keys with the key that releases are signed with',
      },
    );
  }
  if (platform !== by.platform) {
    throw new AppError(
      'release-wrong-platform',
      `release ${number} is for ${platform}, and this machine is ${by.platform}`,
    );
  }
  const highest = state.highest_release_number ?? 0;
  const takenBy = number === highest ? state.highest_release_commit : badUnder(state, number);
  if (takenBy && takenBy !== commit) {
    const what = `${short(commit)} has the release number ${number}, which ${short(takenBy)} had before`;
    throw new AppError('release-number-taken', what, { hint: 'publish it again under a higher number' });
  }
  if (commit === running) return { kind: 'current' };
  if (number < highest) {
    const detail = `release ${number} (${short(commit)}) is older than ${highest}, the newest that ran here; to go back, publish it again`;
    return { kind: 'left-alone', detail, isBad: false };
  }
  if (by.pin !== undefined && !commit.startsWith(by.pin)) {
    return {
      kind: 'left-alone',
      detail: `pinned to ${short(by.pin)}: ${short(commit)} is not installed`,
      isBad: false,
    };
  }
  const until = badUntil(state.bad ?? [], { commit, releaseNumber: number }, by.atWall);
  if (until === undefined) return { kind: 'install' };
  return {
    kind: 'left-alone',
    detail: `${short(commit)} failed here and is not tried again before ${until}`,
    isBad: true,
  };
}

function badUnder({ bad }: UpdateState, number: number): string | undefined {
  return bad?.find((it) => it.release_number === number)?.commit;
}
