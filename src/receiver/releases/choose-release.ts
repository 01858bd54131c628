// Which release a host is given, from what was published and what was decided of it. Pure.

import { createHash } from 'node:crypto';
import type { Platform, Release } from '../../protocol/release.ts';
import type { RollOut } from '../../storage/roll-out.ts';

export interface ReleaseQuestion {
  platform: Platform;
  /** Undefined for whoever is no single host: only what goes to all. */
  hostId: string | undefined;
}

/**
 * The newest where its roll-out reaches the host, else the last that was rolled out to all. One that nothing was decided of goes to nobody:
 * it is still being published.
 */
export function chooseRelease(
  releases: readonly Release[],
  rollOuts: readonly RollOut[],
  { platform, hostId }: ReleaseQuestion,
): Release | undefined {
  const newestFirst = releases
    .filter((release) => release.platform === platform)
    .sort((one, other) => other.release_number - one.release_number);
  const percentOf = ({ commit }: Release) =>
    rollOuts.find((rollOut) => rollOut.commit === commit && !rollOut.paused)?.percent;
  const [newest] = newestFirst;
  const percent = newest && percentOf(newest);
  if (newest && hostId !== undefined && percent !== undefined && isInRollOut(newest.commit, hostId, percent))
    return newest;
  return newestFirst.find((release) => percentOf(release) === 100);
}

/** The same hosts at each look, and all of them again when the percentage grows; for each commit others first. */
export function isInRollOut(commit: string, hostId: string, percent: number): boolean {
  const share = createHash('sha256').update(`${commit}|${hostId}`).digest().readUInt32BE(0);
  return share * 100 < percent * 2 ** 32;
}
