// What is to be shipped, oldest first, and what the outbox holds for nobody.

import type { Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/app-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { EPISODE_SUFFIX } from '../../protocol/ids.ts';
import type { DataLayout } from './data-layout.ts';

/** Remembers when each waiting episode was finished, so that a scan of thousands looks at the new ones alone. */
export class EpisodeScanner {
  readonly #layout: DataLayout;
  readonly #logger: Logger;
  readonly #unreachable = new Set<string>();
  #finishedAtMs = new Map<string, number>();

  constructor(layout: DataLayout, logger: Logger) {
    this.#layout = layout;
    this.#logger = logger;
  }

  /** The names of the directories in episodes/, oldest first. */
  async scan(): Promise<string[]> {
    const known = this.#finishedAtMs;
    const waiting = new Map<string, number>();
    for (const entry of await readdir(this.#layout.episodes, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const finishedAtMs = known.get(entry.name) ?? (await this.#lookUp(entry));
      if (finishedAtMs === undefined) this.#missed(entry.name);
      else waiting.set(entry.name, finishedAtMs);
    }
    this.#finishedAtMs = waiting;
    return [...waiting].sort(([a, aMs], [b, bMs]) => aMs - bMs || (a < b ? -1 : 1)).map(([name]) => name);
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

  async #lookUp(entry: Dirent): Promise<number | undefined> {
    try {
      return (await stat(join(this.#layout.episodes, entry.name))).mtimeMs;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

/** Removes what a crash left in the outbox: all that was half-written, and tarballs whose episode has moved on. Returns the names. */
export async function sweepOutbox(layout: DataLayout, waiting: ReadonlySet<string>): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(layout.outbox)) {
    const isHalfWritten = name.endsWith('.partial') || name.endsWith('.tmp');
    const episodeId = name.endsWith(EPISODE_SUFFIX)
      ? name.slice(0, -EPISODE_SUFFIX.length)
      : name.replace(/\.json$/, '');
    if (!isHalfWritten && waiting.has(episodeId)) continue;
    await rm(join(layout.outbox, name), { force: true, recursive: true });
    removed.push(name);
  }
  return removed;
}
