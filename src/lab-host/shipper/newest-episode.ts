// The episode that was finished last, whether it has been shipped or not. Looks at each episode once.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatWallTime } from '../../lib/clock.ts';
import { META_FILE } from '../../protocol/episode-meta.ts';

export interface FinishedEpisode {
  episode_id: string;
  finished_at_wall: string;
}

export class NewestEpisode {
  readonly #directories: readonly string[];
  #seen = new Set<string>();
  #newest: { episodeId: string; finishedAtMs: number } | undefined;

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** By the time of meta.json, which the recorder writes last and shipping leaves alone. */
  async find(): Promise<FinishedEpisode | null> {
    const found = new Set<string>();
    for (const directory of this.#directories) {
      for (const episodeId of await readdir(directory).catch(() => [])) {
        found.add(episodeId);
        if (!this.#seen.has(episodeId)) await this.#look(directory, episodeId);
      }
    }
    this.#seen = found;
    if (!this.#newest) return null;
    const { episodeId, finishedAtMs } = this.#newest;
    const instant = Temporal.Instant.fromEpochMilliseconds(Math.floor(finishedAtMs));
    return { episode_id: episodeId, finished_at_wall: formatWallTime(instant) };
  }

  async #look(directory: string, episodeId: string): Promise<void> {
    // It may have moved meanwhile, or have no meta.json at all.
    const status = await stat(join(directory, episodeId, META_FILE)).catch(() => undefined);
    if (!status || status.mtimeMs <= (this.#newest?.finishedAtMs ?? Number.NEGATIVE_INFINITY)) return;
    this.#newest = { episodeId, finishedAtMs: status.mtimeMs };
  }
}
