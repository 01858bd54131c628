// The published releases, for a person and for programs.

import { formatTable } from '../../lib/format-table.ts';
import type { RollOut } from '../../storage/roll-out.ts';
import type { ListedRelease } from './manage-releases.ts';

const HEAD = ['NUMBER', 'COMMIT', 'PLATFORMS', 'GOES TO', 'DECIDED', 'BY'];

export function describeReleases(releases: readonly ListedRelease[]): string {
  if (releases.length === 0) return 'no release is published\n';
  const rows = releases.map(({ number, commit, bundles, rollOut }) => [
    String(number),
    commit.slice(0, 12),
    bundles.map(({ platform }) => platform).join(' '),
    describeReach(rollOut),
    rollOut?.decidedAt.slice(0, 19) ?? '',
    rollOut?.by ?? '',
  ]);
  return formatTable(HEAD, rows);
}

export function describeReach(rollOut: RollOut | undefined): string {
  if (!rollOut) return 'nobody yet';
  const reach = rollOut.percent === 100 ? 'all' : `${rollOut.percent} %`;
  return rollOut.paused ? `nobody (paused at ${reach})` : reach;
}

export function releasesAsJson(releases: readonly ListedRelease[]): object {
  return {
    releases: releases.map(({ number, commit, bundles, rollOut }) => ({
      release_number: number,
      commit,
      percent: rollOut?.percent ?? 0,
      paused: rollOut?.paused ?? false,
      decided_at: rollOut?.decidedAt ?? null,
      by: rollOut?.by ?? null,
      bundles: bundles.map(({ platform, sha256, bytes, signatures }) => ({
        platform,
        sha256,
        bytes,
        signed_by: signatures.map(({ key_id }) => key_id),
      })),
    })),
  };
}
