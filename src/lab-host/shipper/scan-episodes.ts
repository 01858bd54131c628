// What is to be shipped, oldest first, and what the outbox holds for nobody.

import { type Dirent, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../../lib/logger.ts';
import { META_FILE } from '../../protocol/episode-meta.ts';
import { EPISODE_SUFFIX } from '../../protocol/ids.ts';
import { type DataLayout, UPLOAD_NOTE_SUFFIX } from '../data-layout.ts';
import { bytesOnDisk } from './bytes-on-disk.ts';
import { lookAt } from './quick-files.ts';
import { removeTree } from './remove-tree.ts';

// In one turn of the event loop: after a start thousands are new.
const LOOKED_UP_A_TURN = 16;
// A listing that is larger is not read for a sum.
const MAX_LISTING_BYTES = 1024 * 1024;

export interface Waiting {
  episodeId: string;
  finishedAtMs: number;
  /** Of its files: as its meta.json lists them; where it does not, as they lie there. */
  sizeBytes: number;
}

/** Remembers what it has seen of each waiting episode, so that a scan of thousands looks at the new ones alone. */
export class EpisodeScanner {
  readonly #layout: DataLayout;
  readonly #logger: Logger;
  readonly #unreachable = new Set<string>();
  #known = new Map<string, Waiting>();
  #sorted: readonly Waiting[] = [];
  /** When a name last came to or left episodes/, as the last two whole scans found it. */
  #changedAtNs: readonly [bigint | undefined, bigint | undefined] = [undefined, undefined];

  constructor(layout: DataLayout, logger: Logger) {
    this.#layout = layout;
    this.#logger = logger;
  }

  /**
   * The directories in episodes/, oldest first. Thousands that wait for hours are not listed again every few seconds: the directory says
   * itself whether a name has come or gone. Its time is believed once two whole scans found the same: a name that comes in the
   * very moment of one does not change it, and is there at the next.
   */
  async scan(): Promise<readonly Waiting[]> {
    const { mtimeNs } = await stat(this.#layout.episodes, { bigint: true });
    if (this.#changedAtNs.every((time) => time === mtimeNs)) return this.#sorted;
    const waiting = new Map<string, Waiting>();
    let lookedUp = 0;
    for (const entry of await readdir(this.#layout.episodes, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      let found = this.#known.get(entry.name);
      if (!found) {
        found = this.#lookUp(entry);
        lookedUp += 1;
        if (lookedUp % LOOKED_UP_A_TURN === 0) await nextTurn();
      }
      if (found === undefined) this.#missed(entry.name);
      else waiting.set(entry.name, found);
    }
    this.#known = waiting;
    this.#sorted = [...waiting.values()].sort(
      (a, b) => a.finishedAtMs - b.finishedAtMs || (a.episodeId < b.episodeId ? -1 : 1),
    );
    this.#changedAtNs = [this.#changedAtNs[1], mtimeNs];
    return this.#sorted;
  }

  /** Node replaces what is no UTF-8 in a name, so that no path leads to it: a person has to rename it. Told once. */
  #missed(name: string): void {
    if (!name.includes('\ufffd') || this.#unreachable.has(name)) return;
    this.#unreachable.add(name);
    this.#logger.error(
      { name, cure: `rename it: ls -b ${this.#layout.episodes}` },
      'a directory whose name is not UTF-8 cannot be shipped',
    );
  }

  #lookUp({ name }: Dirent): Waiting | undefined {
    const directory = join(this.#layout.episodes, name);
    const found = lookAt(directory);
    if (!found) return undefined;
    const sizeBytes = listedBytes(join(directory, META_FILE)) ?? bytesOnDisk(directory);
    return { episodeId: name, finishedAtMs: found.mtimeMs, sizeBytes };
  }
}

const listingSchema = z.object({ files: z.array(z.object({ bytes: z.number().nonnegative() })).min(1) });

/** Only for the sums that people see: whatever is wrong with it, the packing will tell. Undefined when it lists none. */
function listedBytes(metaPath: string): number | undefined {
  try {
    const stats = lookAt(metaPath);
    if (!stats?.isFile() || stats.size > MAX_LISTING_BYTES) return undefined;
    const listing = listingSchema.safeParse(JSON.parse(readFileSync(metaPath, 'utf8')));
    return listing.data?.files.reduce((sum, { bytes }) => sum + bytes, 0);
  } catch {
    return undefined;
  }
}

/**
 * Removes what a crash left in the outbox: all that was half-written, and tarballs whose episode has moved on. Resolves with the names of
 * what was removed, and with the episodes that have a tarball.
 */
export async function sweepOutbox(
  layout: DataLayout,
  waiting: ReadonlySet<string>,
  onStuck?: (name: string, error: unknown) => void,
): Promise<{ removed: string[]; packed: string[] }> {
  const removed: string[] = [];
  const packed: string[] = [];
  const names = await readdir(layout.outbox);
  const tarballs = new Set(names.filter((name) => name.endsWith(EPISODE_SUFFIX)));
  for (const name of names) {
    const isHalfWritten = name.endsWith('.partial') || name.endsWith('.tmp');
    const noted = name.endsWith(UPLOAD_NOTE_SUFFIX) ? name.slice(0, -UPLOAD_NOTE_SUFFIX.length) : undefined;
    const isOrphan = noted !== undefined && !tarballs.has(noted);
    const of = noted ?? name;
    const episodeId = of.endsWith(EPISODE_SUFFIX) ? of.slice(0, -EPISODE_SUFFIX.length) : of.replace(/\.json$/, '');
    if (!isHalfWritten && !isOrphan && waiting.has(episodeId)) {
      if (name.endsWith(EPISODE_SUFFIX)) packed.push(episodeId);
      continue;
    }
    try {
      await removeTree(join(layout.outbox, name));
      removed.push(name);
    } catch (error) {
      // What cannot be deleted stands in nobody's way.
      onStuck?.(name, error);
    }
  }
  return { removed, packed };
}
