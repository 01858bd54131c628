// A store as a receiver leaves it, made by hand: packed episodes that were stored long ago, and the ledger that lists them.

import { appendFileSync, chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { sha256 } from './episodes.ts';
import { GOOD_COMMIT } from './fleet.ts';

const STORED_AT = new Date('2026-05-01T06:37:53.500Z');

export interface StoredEpisode {
  hostId: string;
  episodeId: string;
  /** Absolute. */
  path: string;
  bytes: Buffer;
}

/** Puts the file there. `content` is what it records besides its meta.json. */
export async function storeFile(
  store: string,
  hostId: string,
  episodeId: string,
  content: Uint8Array<ArrayBuffer> | string = episodeId,
): Promise<StoredEpisode> {
  const meta = JSON.stringify({ schema_version: 'test-1', code_version: { commit: GOOD_COMMIT, dirty: true } });
  const tarball = await packTar([
    { header: { name: `${episodeId}/meta.json`, size: meta.length }, body: meta },
    { header: { name: `${episodeId}/data`, size: Buffer.byteLength(content) }, body: content },
  ]);
  const bytes = zstdCompressSync(tarball);
  const path = join(store, 'episodes', hostId, `${episodeId}.tar.zst`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, STORED_AT, STORED_AT);
  chmodSync(path, 0o444);
  return { hostId, episodeId, path, bytes };
}

/** Puts its row at the end of the ledger. */
export function addRow(store: string, { hostId, episodeId, bytes }: StoredEpisode, fields: object = {}): void {
  appendLine(store, {
    host_id: hostId,
    episode_id: episodeId,
    received_at_wall: '2026-05-01T06:37:53.830599+00:00',
    sha256: sha256(bytes),
    bytes: bytes.byteLength,
    path: `episodes/${hostId}/${episodeId}.tar.zst`,
    ...fields,
  });
}

export function addTombstone(store: string, hostId: string, episodeId: string): void {
  const retracted_at_wall = '2026-05-02T06:37:53.830599+00:00';
  appendLine(store, { host_id: hostId, episode_id: episodeId, retracted_at_wall, reason: 'wrong cable', by: 'test' });
}

export function appendLine(store: string, value: object | string): void {
  appendFileSync(join(store, 'index.jsonl'), `${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
}
