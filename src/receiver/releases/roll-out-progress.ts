// How far each published release has come, and how the fleet spreads over commits: from what the hosts say of themselves. Pure.

import { z } from 'zod';
import type { ListedRelease } from './manage-releases.ts';

/** One lab host that is in service. */
export interface UpdatedHost {
  hostId: string;
  /** The body of its last heartbeat, as `shownOf` keeps it; undefined when it has sent none. */
  heartbeat: Readonly<Record<string, unknown>> | undefined;
  /** Of its last stored episode: what it is taken to run where it has sent no heartbeat. */
  lastCommit: string | null;
}

export interface ReleaseProgress {
  number: number;
  commit: string;
  /** Of the fleet, as decided; 0 when nothing was. */
  percent: number;
  paused: boolean;
  /** How many hosts run it, those on trial among them. */
  running: number;
  /** Run it, and have not confirmed it yet. */
  onTrial: number;
  /** Could not take it, or took it back; until they try again, or their updates come to something else. */
  failed: string[];
}

export interface CommitSpread {
  /** Null for hosts of which it is not known. */
  commit: string | null;
  hosts: number;
  /** How many commits the head is ahead of it; null when it is not known. */
  headDistance: number | null;
}

export interface RollOutProgress {
  /** As they were given: the newest first. */
  releases: ReleaseProgress[];
  /** By distance from the head, those without one last; then by how many hosts. */
  spread: CommitSpread[];
}

interface HostUpdate {
  hostId: string;
  commit: string | null;
  /** What the last update came to, from which commit and to which. */
  result: string | null;
  from: string | null;
  target: string | null;
}

const text = z.string().nullish().catch(null);
const heartbeatSchema = z.object({
  version: z.object({ commit: text }).nullish().catch(null),
  update: z.object({ result: text, commit: text, target: text }).nullish().catch(null),
});

export function rollOutProgress(
  releases: readonly ListedRelease[],
  hosts: readonly UpdatedHost[],
  distanceOf: (commit: string) => number | null,
): RollOutProgress {
  const updates = hosts.map(updateOf);
  return {
    releases: releases.map((release) => progressOf(release, updates)),
    spread: spreadOver(updates, distanceOf),
  };
}

function updateOf({ hostId, heartbeat, lastCommit }: UpdatedHost): HostUpdate {
  const { version, update } = heartbeatSchema.parse(heartbeat ?? {});
  const runs = version?.commit ?? lastCommit;
  return {
    hostId,
    commit: runs,
    result: update?.result ?? null,
    from: update?.commit ?? null,
    target: update?.target ?? null,
  };
}

function progressOf({ number, commit, rollOut }: ListedRelease, hosts: readonly HostUpdate[]): ReleaseProgress {
  const running = hosts.filter((host) => host.commit === commit);
  return {
    number,
    commit,
    percent: rollOut?.percent ?? 0,
    paused: rollOut?.paused ?? false,
    running: running.length,
    onTrial: running.filter(isOnTrial).length,
    failed: hosts.filter((host) => hasFailed(host, commit)).map(({ hostId }) => hostId),
  };
}

/** The updater writes an update's end down once it is confirmed or taken back: until then the last one has led to another commit. */
function isOnTrial({ commit, result, from, target }: HostUpdate): boolean {
  const settled = isFailure(result) ? from : target;
  return settled !== null && settled !== commit;
}

function hasFailed({ commit, target, result }: HostUpdate, release: string): boolean {
  return target === release && isFailure(result) && commit !== release;
}

function isFailure(result: string | null): boolean {
  return result === 'failed' || result === 'rolled-back';
}

function spreadOver(hosts: readonly HostUpdate[], distanceOf: (commit: string) => number | null): CommitSpread[] {
  const spread = [...Map.groupBy(hosts, ({ commit }) => commit)].map(([commit, of]) => ({
    commit,
    hosts: of.length,
    headDistance: commit === null ? null : distanceOf(commit),
  }));
  const far = Number.POSITIVE_INFINITY;
  return spread.toSorted(
    (one, other) =>
      (one.headDistance ?? far) - (other.headDistance ?? far) || other.hosts - one.hosts || nameOrder(one, other),
  );
}

function nameOrder(one: CommitSpread, other: CommitSpread): number {
  return (one.commit ?? '~') < (other.commit ?? '~') ? -1 : 1;
}
