// An episode that was drained by hand while the shipper was sending it, and that the receiver then took: it comes back out of
// quarantine/, so that it ends in shipped/ like any other. Durable order: receipt into it, fsync → rename into episodes/ → fsync both.
// Killed in between, it lies in quarantine/ with its receipt, and the next start or command moves it to shipped/.

import { randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type AfterStep, noStepObserver } from '../../../lib/after-step.ts';
import { isMissing } from '../../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../../lib/durable-file.ts';
import { isThere } from '../../../lib/is-there.ts';
import { RECEIPT_FILE } from '../../../protocol/episode-meta.ts';
import type { DataLayout } from '../../data-layout.ts';
import { moveAside } from '../move-episode.ts';
import { isDrained, originalId, readReason } from './settled-episodes.ts';

/** The durable steps, in order. A crash test kills the process after each. */
export type FetchBackStep = 'receipt-brought' | 'fetched-back' | 'fetch-back-synced';

/** False when no such episode is there. True: it lies in episodes/ with its receipt. */
export async function fetchBackDrained(
  layout: DataLayout,
  episodeId: string,
  receipt: unknown,
  afterStep: AfterStep<FetchBackStep> = noStepObserver,
): Promise<boolean> {
  const name = await drainedLast(layout, episodeId);
  if (name === undefined || (await isThere(join(layout.episodes, episodeId)))) return false;
  const directory = join(layout.quarantine, name);
  const temporaryPath = join(layout.outbox, `${RECEIPT_FILE}.${randomBytes(6).toString('hex')}.tmp`);
  await writeFileDurably(join(directory, RECEIPT_FILE), toJsonFile(receipt), { temporaryPath });
  afterStep('receipt-brought');
  await rename(directory, join(layout.episodes, episodeId));
  afterStep('fetched-back');
  await fsyncDirectory(layout.episodes);
  await fsyncDirectory(layout.quarantine);
  afterStep('fetch-back-synced');
  return true;
}

/** The name of an episode in quarantine/ that has a receipt: the receiver has it. True once it is in shipped/; false when it is gone. */
export async function retireOutOfQuarantine(layout: DataLayout, name: string): Promise<boolean> {
  try {
    await moveAside(layout.quarantine, name, layout.shipped);
  } catch (error) {
    // Somebody was quicker.
    if (isMissing(error)) return false;
    throw error;
  }
  await fsyncDirectory(layout.shipped);
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
