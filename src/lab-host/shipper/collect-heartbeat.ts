// What this host says of itself every five minutes: who it is, what waits, what it records, and with which code.

import type { Clock } from '../../lib/clock.ts';
import type { Heartbeat, QuarantineInHeartbeat } from '../../protocol/heartbeat.ts';
import type { DataLayout } from '../data-layout.ts';
import { freeBytesOf } from '../free-bytes.ts';
import { readInstalledVersion } from '../installed-version.ts';
import { type IdentityFiles, readMachineIdentity, SYSTEM_IDENTITY_FILES } from './machine-identity.ts';
import { NewestEpisode } from './newest-episode.ts';
import { readLastUpdate } from './read-last-update.ts';

// A heartbeat is at most 16 KiB, and each name 64 characters.
const MAX_WORKLOADS = 100;

/** The queue at one moment. */
export interface QueueSnapshot {
  /** `oldest_s`: since the oldest of it was finished; null for an empty one. */
  backlog: { episodes: number; bytes: number; oldest_s: number | null };
  held: { count: number; code: string } | null;
  quarantine: QuarantineInHeartbeat;
}

export interface HeartbeatSource {
  hostId: string;
  layout: DataLayout;
  installRoot: string;
  /** The names of those that are configured. */
  workloads: readonly string[];
  snapshot: () => QueueSnapshot | Promise<QueueSnapshot>;
  clock: Clock;
  identityFiles?: IdentityFiles;
}

export function heartbeatCollector(source: HeartbeatSource): () => Promise<Heartbeat> {
  const { hostId, layout, installRoot, workloads, snapshot, clock, identityFiles = SYSTEM_IDENTITY_FILES } = source;
  const newest = new NewestEpisode([layout.episodes, layout.shipped]);
  return async () => {
    const { machine, bootId } = await readMachineIdentity(identityFiles);
    const version = await readInstalledVersion(installRoot);
    const { backlog, held, quarantine } = await snapshot();
    return {
      host_id: hostId,
      machine,
      boot_id: bootId,
      version: version ? { commit: version.commit, dirty: version.dirty } : null,
      backlog,
      held,
      quarantine,
      recording: { last_episode: await newest.find(), workloads: workloads.slice(0, MAX_WORKLOADS) },
      free_bytes: await freeBytesOf(layout.root).catch(() => null),
      update: await readLastUpdate(layout.root),
      // Last: the receiver compares it with its own clock.
      sent_at_wall: clock.wallTime(),
    };
  };
}
