// What a stored episode holds, for a page: its meta.json and its files. Bounded in bytes, files and time, whatever was packed.

import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { parseJson } from '../../lib/parse-json.ts';
import { MAX_META_BYTES, META_FILE } from '../../protocol/episode-meta.ts';
import { type InspectLimits, walkWithinLimits } from './inspect-limits.ts';
import type { PackedFile } from './walk-packed.ts';

const MOST_FILES = 1_000;
// Far more than a page can show; a larger one is downloaded.
const MOST_META_BYTES = Math.min(MAX_META_BYTES, 1024 ** 2);
const LONGEST_PATH = 1_000;

interface InspectedFile {
  /** Below the episode's directory, as its packer wrote it: anything may stand there. */
  path: string;
  sizeBytes: number;
  /** ISO 8601 in UTC; null when it is none. */
  modifiedAt: string | null;
}

export interface InspectedEpisode {
  /** The JSON of meta.json at the top; null when it is missing, none, or too large. */
  meta: unknown;
  /** In the order of the tarball; directories are left out. */
  files: InspectedFile[];
  /** False when not all of it was looked at: it is damaged, or has more than the limits allow. */
  isWhole: boolean;
}

/** `tarball`: a .tar.zst from its beginning; it is closed when this resolves. Never rejects for what is in it. */
export async function inspectEpisode(tarball: Readable, limits: InspectLimits = {}): Promise<InspectedEpisode> {
  const { mostFiles = MOST_FILES, mostMetaBytes = MOST_META_BYTES, longestPath = LONGEST_PATH } = limits;
  const files: InspectedFile[] = [];
  let meta: unknown = null;
  try {
    for await (const file of walkWithinLimits(tarball, limits)) {
      if (file.isDirectory) continue;
      if (files.length >= mostFiles) return { meta, files, isWhole: false };
      files.push({
        path: file.path.slice(0, longestPath),
        sizeBytes: file.sizeBytes,
        modifiedAt: isoTime(file.modifiedAt),
      });
      if (file.path === META_FILE && file.sizeBytes <= mostMetaBytes) meta = await readJson(file);
    }
    return { meta, files, isWhole: true };
  } catch {
    return { meta, files, isWhole: false };
  }
}

async function readJson({ content }: PackedFile): Promise<unknown> {
  return parseJson((await buffer(content)).toString()) ?? null;
}

function isoTime(time: Date | undefined): string | null {
  return time === undefined || Number.isNaN(time.getTime()) ? null : time.toISOString();
}
