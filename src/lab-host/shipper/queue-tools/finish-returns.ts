// What a kill has left half-way between two places goes the rest of its way: into the queue what lies in quarantine/ or shipped/ without
// its note, and to shipped/ what was drained by hand and has the receiver's receipt.

import { join } from 'node:path';
import { isThere } from '../../../lib/is-there.ts';
import { RESERVED_FILES } from '../../../protocol/episode-meta.ts';
import { hasReceiptAt } from '../episode-notes.ts';
import { retireOutOfQuarantine } from './fetch-back.ts';
import { type HistoryRow, readHistory } from './queue-history.ts';
import { mapPooled, type QueueTools } from './queue-tools.ts';
import { placeOf, type ReturnAction, returnToQueue } from './return-to-queue.ts';
import { directoryNames, isDrained, originalId, readReason } from './settled-episodes.ts';

type FinishTools = Omit<QueueTools, 'output'>;

/** Resolves with how many were finished. The caller holds the lock of the queue. */
export async function finishReturns(tools: FinishTools): Promise<number> {
  const rows = await readHistory(tools.layout);
  let finished = await finishFetchBacks(tools);
  for (const action of ['requeued', 'reshipped'] as const) {
    const lastByName = new Map<string, HistoryRow>();
    for (const row of rows) if (row.action === action && isPlainName(row.name)) lastByName.set(row.name, row);
    const isCutShort = await mapPooled([...lastByName.keys()], (name) => lacksNote(join(placeOf(tools, action), name)));
    const episodes = [...lastByName.values()]
      .filter((_, index) => isCutShort[index])
      .map(({ name, episode_id, note }) => ({ name, episodeId: originalId(name, episode_id), note }));
    if (episodes.length > 0) finished += await finish(tools, action, episodes);
  }
  return finished;
}

/** One fetch-back may be under way in the running shipper: of the two renames one succeeds, and either leads to shipped/. */
async function finishFetchBacks({ layout, logger }: FinishTools): Promise<number> {
  const names = await directoryNames(layout.quarantine);
  const isStored = await mapPooled(names, (name) => isDrainedAndStored(join(layout.quarantine, name)));
  let finished = 0;
  for (const name of names.filter((_, index) => isStored[index])) {
    if (!(await retireOutOfQuarantine(layout, name))) continue;
    finished += 1;
    logger.warn({ episode: name }, 'the receiver has an episode that was drained by hand: it is in shipped/ now');
  }
  return finished;
}

async function isDrainedAndStored(directory: string): Promise<boolean> {
  // A receipt that cannot be read is none of ours.
  if (!(await hasReceiptAt(directory).catch(() => false))) return false;
  const reason = await readReason(directory);
  return reason !== undefined && isDrained(reason);
}

async function finish(
  tools: FinishTools,
  action: ReturnAction,
  episodes: Parameters<typeof returnToQueue>[2],
): Promise<number> {
  const reports = await returnToQueue(tools, action, episodes);
  const done = reports.filter(({ outcome }) => outcome === 'returned').length;
  tools.logger.warn({ episodes: done, action }, 'finished what an earlier command had left half-way');
  return done;
}

/** An episode that is there, and has neither note; one that cannot be looked into may have them. */
async function lacksNote(directory: string): Promise<boolean> {
  try {
    for (const file of RESERVED_FILES) if (await isThere(join(directory, file))) return false;
    return await isThere(directory);
  } catch {
    return false;
  }
}

function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/');
}
