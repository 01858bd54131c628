// Keeps the disk above its reserve: deletes what is shipped, oldest first, and when that is not enough tells the orchestrator, by the
// file BACKPRESSURE, to start nothing new. What has not been shipped is never deleted.

import { existsSync } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isNoRoom, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../lib/durable-file.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DataLayout } from '../data-layout.ts';
import { freeBytesOf } from '../free-bytes.ts';
import { shippedOldestFirst } from './clean-up.ts';
import { removeSettled } from './remove-settled.ts';

// Lifted only well above the mark, so that one episode does not lift and set it by turns.
const LIFT_FACTOR = 1.1;

export interface WatermarkDependencies {
  layout: DataLayout;
  minFreeBytes: () => number;
  clock: Clock;
  logger: Logger;
  /** Bytes that can still be written to the data directory. */
  freeBytes?: () => Promise<number>;
}

export class Watermark {
  readonly #dependencies: WatermarkDependencies;
  readonly #freeBytes: () => Promise<number>;
  #isSet: boolean | undefined;
  /** True while the disk is short and the file cannot be made: told once, tried at each look. */
  #cannotSet = false;

  constructor(dependencies: WatermarkDependencies) {
    this.#dependencies = dependencies;
    this.#freeBytes = dependencies.freeBytes ?? (() => freeBytesOf(dependencies.layout.root));
  }

  /** Call it every few seconds, under the lock of the queue: a command may be putting shipped episodes back. */
  async keep(): Promise<void> {
    const minFreeBytes = this.#dependencies.minFreeBytes();
    const liftBytes = minFreeBytes * LIFT_FACTOR;
    // Once recordings wait, up to where they may start again: between the two marks nothing else would bring that about.
    const wantedBytes = this.#isSet ? liftBytes : minFreeBytes;
    let free = await this.#freeBytes();
    if (free < wantedBytes) free = await this.#deleteShipped(free, wantedBytes);
    if (free < minFreeBytes) await this.#set(free);
    else if (free >= liftBytes || this.#isSet === undefined) await this.#lift(free);
  }

  async #deleteShipped(freeBefore: number, wantedBytes: number): Promise<number> {
    const { layout, logger } = this.#dependencies;
    let free = freeBefore;
    let deleted = 0;
    for (const name of await shippedOldestFirst(layout)) {
      if (free >= wantedBytes) break;
      await removeSettled(layout, layout.shipped, name).catch((error: unknown) => {
        logger.warn({ episode: name, err: error }, 'a shipped episode could not be deleted');
      });
      deleted += 1;
      free = await this.#freeBytes();
    }
    if (deleted > 0) {
      logger.info(
        { episodes: deleted, free: formatSize(free) },
        'disk is short: deleted shipped episodes, oldest first',
      );
    }
    return free;
  }

  async #set(free: number): Promise<void> {
    const { layout, clock, logger } = this.#dependencies;
    const minFreeBytes = this.#dependencies.minFreeBytes();
    const path = layout.backpressureFile;
    // Whoever has removed it by hand has not made room.
    if (this.#isSet === true && existsSync(path)) return;
    if (!this.#cannotSet) {
      const cure = `make room on this disk: df -h ${layout.root}; du -xh --max-depth=2 ${layout.root} | sort -h | tail`;
      logger.error(
        { free: formatSize(free), min_free: formatSize(minFreeBytes), cure },
        'disk is short and nothing more can be deleted: no recording starts until there is room',
      );
    }
    try {
      await makeMarker(path, { since_wall: clock.wallTime(), free_bytes: free, min_free_bytes: minFreeBytes });
      this.#isSet = true;
      this.#cannotSet = false;
    } catch (error) {
      const reason = messageOf(error);
      if (!this.#cannotSet) logger.error({ path, reason }, 'the orchestrator could not be told; it is tried again');
      this.#cannotSet = true;
    }
  }

  async #lift(free: number): Promise<void> {
    const { layout, logger } = this.#dependencies;
    await rm(layout.backpressureFile, { force: true });
    if (this.#isSet === true)
      logger.info({ free: formatSize(free) }, 'there is room on the disk again: recordings start');
    this.#isSet = false;
    this.#cannotSet = false;
  }
}

/** That it is there is what counts: with no byte left it is empty, which takes a name and no block. */
async function makeMarker(path: string, content: Record<string, unknown>): Promise<void> {
  try {
    await writeFileDurably(path, toJsonFile(content));
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    await appendFile(path, '');
    await fsyncDirectory(dirname(path));
  }
}
