// MANIFEST.json: every file of a bundle with its digest, every link with where it leads.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Manifest, Platform } from '../protocol/release.ts';
import type { TreeEntry } from './list-tree.ts';

export async function makeManifest(
  tree: string,
  entries: readonly TreeEntry[],
  { commit, platform }: { commit: string; platform: Platform },
): Promise<Manifest> {
  const files: Manifest['files'] = [];
  let bytes = 0;
  for (const entry of entries) {
    const { path } = entry;
    if (entry.kind === 'link') {
      files.push({ path, link: entry.target });
      continue;
    }
    bytes += entry.sizeBytes;
    files.push({ path, bytes: entry.sizeBytes, sha256: (await digestOf(join(tree, path))).sha256, mode: entry.mode });
  }
  return { format: 1, commit, platform, bytes, files };
}

export async function digestOf(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  const stream = createReadStream(path);
  await pipeline(stream, hash);
  return { sha256: hash.digest('hex'), sizeBytes: stream.bytesRead };
}
