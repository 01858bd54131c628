// An episode that was drained by hand while the shipper was sending it, and that the receiver then took: it comes back out of
// quarantine/, so that it ends in shipped/ like any other. Durable order: receipt into it → rename into episodes/ → fsync both.

import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../../lib/durable-file.ts';
import { isThere } from '../../../lib/is-there.ts';
import { RECEIPT_FILE } from '../../../protocol/episode-meta.ts';
import type { DataLayout } from '../../data-layout.ts';
import { isDrained, originalId, readReason } from './settled-episodes.ts';

/** False when no such episode is there. True: it lies in episodes/ with its receipt. */
export async function fetchBackDrained(layout: DataLayout, episodeId: string, receipt: unknown): Promise<boolean> {
  const name = await drainedLast(layout, episodeId);
  if (name === undefined || (await isThere(join(layout.episodes, episodeId)))) return false;
  const directory = join(layout.quarantine, name);
  const temporaryPath = join(layout.outbox, `${RECEIPT_FILE}.${randomBytes(6).toString('hex')}.tmp`);
  await writeFileDurably(join(directory, RECEIPT_FILE), toJsonFile(receipt), { temporaryPath });
  await rename(directory, join(layout.episodes, episodeId));
  await fsyncDirectory(layout.episodes);
  await fsyncDirectory(layout.quarantine);
  return true;
}

async function drainedLast(layout: DataLayout, episodeId: string): Promise<string | undefined> {
  let last: { name: string; atWall: string } | undefined;
  for (const name of await readdir(layout.quarantine)) {
    if (originalId(name, episodeId) !== episodeId) continue;
    const reason = await readReason(join(layout.quarantine, name));
    if (!reason || !isDrained(reason) || reason.episode_id !== episodeId) continue;
    if (!last || reason.quarantined_at_wall > last.atWall) last = { name, atWall: reason.quarantined_at_wall };
  }
  return last?.name;
}
