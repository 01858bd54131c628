// MANIFEST.json: every file of a bundle with its digest, every link with where it leads.

import { join } from 'node:path';
import { digestOfFile } from '../lib/digest-of-file.ts';
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
    files.push({
      path,
      bytes: entry.sizeBytes,
      sha256: (await digestOfFile(join(tree, path))).sha256,
      mode: entry.mode,
    });
  }
  return { format: 1, commit, platform, bytes, files };
}
