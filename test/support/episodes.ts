// Episodes as a recorder publishes them, and what was in them by digest.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Path in the episode → SHA-256 in hex; meta.json too. */
export type Manifest = ReadonlyMap<string, string>;

export interface NewEpisode {
  episodeId: string;
  commit: string | undefined;
  files: Record<string, Uint8Array | string>;
}

/** Writes into recording/, then one rename into episodes/, as the orchestrator does. */
export function publishEpisode(data: string, hostId: string, { episodeId, commit, files }: NewEpisode): Manifest {
  const recording = join(data, 'recording', episodeId);
  mkdirSync(recording, { recursive: true });
  const meta = {
    episode_id: episodeId,
    host_id: hostId,
    schema_version: 'test-1',
    workload: 'test',
    ...(commit !== undefined && { code_version: { commit, dirty: false } }),
  };
  const all = { 'meta.json': `${JSON.stringify(meta)}\n`, ...files };
  const manifest = new Map<string, string>();
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(recording, path)), { recursive: true });
    writeFileSync(join(recording, path), content);
    manifest.set(path, sha256(content));
  }
  renameSync(recording, join(data, 'episodes', episodeId));
  return manifest;
}

/** What lies in a directory now, without the shipper's own two notes. */
export function manifestOf(directory: string): Manifest {
  const manifest = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(directory.length + 1);
    if (path === 'receipt.json' || path === 'quarantine_reason.json') continue;
    manifest.set(path, sha256(readFileSync(join(directory, path))));
  }
  return manifest;
}

export function sameManifest(a: Manifest, b: Manifest): boolean {
  return a.size === b.size && [...a].every(([path, digest]) => b.get(path) === digest);
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
