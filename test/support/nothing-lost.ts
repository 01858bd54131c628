// "Nothing lost": every episode ever published is whole on its host or whole in the store with its row; never twice, never changed.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { type Manifest, manifestOf, sameManifest, sha256 } from './episodes.ts';
import type { TestHost } from './fleet.ts';

export interface Published {
  host: TestHost;
  episodeId: string;
  manifest: Manifest;
}

const PLACES = ['episodes', 'shipped', 'quarantine'];

interface Row {
  host_id: string;
  episode_id: string;
  sha256: string;
  bytes: number;
  path: string;
  seq: number;
  commit: string | null;
  gate: unknown;
}

export interface LossReport {
  /** What is wrong, a line each; empty when nothing is lost. */
  faults: string[];
  stored: number;
}

/** May be asked at any moment at which no program runs (ended or stopped by SIGSTOP). `unpack`: compare the stored files, too. */
export async function checkNothingLost(
  store: string,
  published: readonly Published[],
  unpack = false,
): Promise<LossReport> {
  const faults: string[] = [];
  const rows = readRows(store);
  const byEpisode = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.host_id}/${row.episode_id}`;
    if (byEpisode.has(key)) faults.push(`${key}: two rows in the ledger`);
    byEpisode.set(key, row);
  }
  const sequence = rows.map(({ seq }) => seq);
  if (sequence.some((seq, index) => index > 0 && seq <= (sequence[index - 1] ?? 0)))
    faults.push(`seq does not rise: ${sequence}`);

  for (const { host, episodeId, manifest } of published) {
    const key = `${host.hostId}/${episodeId}`;
    const row = byEpisode.get(key);
    if (row) {
      const fault = await storedFault(store, row, episodeId, manifest, unpack);
      if (fault) faults.push(`${key}: ${fault}`);
    }
    const places = PLACES.filter((place) => existsSync(join(host.data, place, episodeId)));
    for (const place of places) {
      if (!sameManifest(manifest, manifestOf(join(host.data, place, episodeId))))
        faults.push(`${key}: changed in ${place}/ of its host`);
    }
    // Each move is one rename of a whole directory: at any moment it is in exactly one place.
    if (places.length !== 1) faults.push(`${key}: on its host in ${places.length} places: ${places}`);
    const isOnHost = places.length > 0;
    if (row && places.includes('quarantine')) faults.push(`${key}: stored, and in quarantine`);
    if (!row && !isOnHost) faults.push(`${key}: neither whole on its host nor in the store`);
    if (!row && existsSync(join(host.data, 'shipped', episodeId)))
      faults.push(`${key}: retired, but the ledger has no row of it`);
  }
  return { faults, stored: rows.length };
}

/** Whole lines only: a torn last one is what a crash may leave, and counts as not stored. */
export function readRows(store: string): Row[] {
  const path = join(store, 'index.jsonl');
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
}

async function storedFault(
  store: string,
  row: Row,
  episodeId: string,
  manifest: Manifest,
  unpack: boolean,
): Promise<string | undefined> {
  const path = join(store, row.path);
  if (!existsSync(path)) return `the ledger has its row, but ${row.path} is not there`;
  const tarball = readFileSync(path);
  if (tarball.byteLength !== row.bytes || sha256(tarball) !== row.sha256) return `${row.path} is not what its row says`;
  if (!unpack) return undefined;
  const stored = new Map<string, string>();
  for (const { header, data } of await unpackTar(new Uint8Array(zstdDecompressSync(tarball)))) {
    if (header.type !== 'file') continue;
    if (!header.name.startsWith(`${episodeId}/`)) return `it holds ${header.name}, outside of ${episodeId}/`;
    const name = header.name.slice(episodeId.length + 1);
    if (stored.has(name)) return `it holds ${name} twice`;
    stored.set(name, sha256(data ?? new Uint8Array()));
  }
  return sameManifest(manifest, stored)
    ? undefined
    : `the stored files differ from the recorded ones: ${[...stored.keys()]}`;
}

/** What lies in a directory; an absent one holds nothing. */
export function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
