// An episode goes back from quarantine/ or shipped/ into episodes/, where the shipper finds it at its next scan. Durable order:
//   history rows of all of them, fsync
//   → of each, 16 at a time: remove its notes → fsync it → rename it into episodes/, over nothing that is there
//   → fsync episodes/ and the directory that they left.
// The notes go first, because the shipper moves what has one straight back. Killed in between, an episode is whole where it was, without
// its note; the next command that changes the queue finishes it, by the history.

import { randomBytes } from 'node:crypto';
import { lstat, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isMissing } from '../../../lib/app-error.ts';
import { fsyncDirectory, toJsonFile, writeFileDurably } from '../../../lib/durable-file.ts';
import { isThere } from '../../../lib/is-there.ts';
import { removeFile } from '../../../lib/remove-file.ts';
import { META_FILE, QUARANTINE_REASON_FILE, RECEIPT_FILE, RESERVED_FILES } from '../../../protocol/episode-meta.ts';
import { TAKEN } from '../move-episode.ts';
import { appendHistory } from './queue-history.ts';
import { mapPooled, type QueueTools } from './queue-tools.ts';
import type { SettledEpisode } from './settled-episodes.ts';

export type ReturnAction = 'requeued' | 'reshipped';

/** `taken`: another episode waits under its id, so it stays. `gone`: somebody moved it meanwhile. */
type ReturnOutcome = 'returned' | 'taken' | 'gone' | 'failed';

export interface ReturnReport<Episode> {
  episode: Episode;
  outcome: ReturnOutcome;
  /** Of `failed`. */
  error?: unknown;
}

export type ReturnTools = Pick<QueueTools, 'layout' | 'clock' | 'by' | 'afterStep'>;

type Outcome = Omit<ReturnReport<unknown>, 'episode'>;

const NOTE_FILE = { requeued: QUARANTINE_REASON_FILE, reshipped: RECEIPT_FILE } as const;

/** The caller holds the lock of the queue. Throws only when the history cannot be written or made durable: then nothing was moved. */
export async function returnToQueue<Episode extends SettledEpisode<unknown>>(
  tools: ReturnTools,
  action: ReturnAction,
  episodes: readonly Episode[],
): Promise<ReturnReport<Episode>[]> {
  const { layout, clock, by, afterStep } = tools;
  const from = placeOf(tools, action);
  const free = await freeOf(tools, episodes);
  const at_wall = clock.wallTime();
  await appendHistory(
    layout,
    [...free].map(({ name, episodeId, note }) => ({
      ...{ at_wall, action, by, episode_id: episodeId, name, note: note ?? null },
    })),
  );
  afterStep('history-written');
  const reports = await mapPooled(episodes, async (episode): Promise<ReturnReport<Episode>> => {
    if (!free.has(episode)) return { episode, outcome: 'taken' };
    return { episode, ...(await returnOne(tools, action, episode)) };
  });
  await fsyncDirectory(layout.episodes);
  await fsyncDirectory(from);
  afterStep('queue-synced');
  return reports;
}

export function placeOf({ layout }: ReturnTools, action: ReturnAction): string {
  return action === 'requeued' ? layout.quarantine : layout.shipped;
}

/** Those whose id nobody has in the queue; of several with one id the first. */
async function freeOf<Episode extends SettledEpisode<unknown>>(
  { layout }: ReturnTools,
  episodes: readonly Episode[],
): Promise<Set<Episode>> {
  const claimed = new Set<string>();
  const free = new Set<Episode>();
  const isTaken = await mapPooled(episodes, ({ episodeId }) => isThere(join(layout.episodes, episodeId)));
  for (const [index, episode] of episodes.entries()) {
    if (isTaken[index] || claimed.has(episode.episodeId)) continue;
    claimed.add(episode.episodeId);
    free.add(episode);
  }
  return free;
}

async function returnOne(
  tools: ReturnTools,
  action: ReturnAction,
  { name, episodeId, note }: SettledEpisode<unknown>,
): Promise<Outcome> {
  const { layout, afterStep } = tools;
  const directory = join(placeOf(tools, action), name);
  try {
    for (const file of RESERVED_FILES) await removeFile(join(directory, file));
    afterStep('notes-removed');
    await fsyncDirectory(directory);
    afterStep('notes-removal-synced');
    await restoreAge(directory);
    // An empty directory would be replaced by rename(2), and an empty episode is one, too.
    if (await isThere(join(layout.episodes, episodeId))) return await stay({ outcome: 'taken' });
    await rename(directory, join(layout.episodes, episodeId));
    afterStep('moved-to-queue');
    return { outcome: 'returned' };
  } catch (error) {
    if (isMissing(error)) return { outcome: 'gone' };
    const isTaken = TAKEN.has(errnoOf(error) ?? '');
    return await stay(isTaken ? { outcome: 'taken' } : { outcome: 'failed', error });
  }

  async function stay(outcome: Outcome): Promise<Outcome> {
    if (note !== undefined && note !== null) {
      const temporaryPath = join(layout.root, `.${NOTE_FILE[action]}.${randomBytes(6).toString('hex')}.tmp`);
      // Where it cannot be put back it may be there still; if not, the next command finishes this, by the history.
      await writeFileDurably(join(directory, NOTE_FILE[action]), toJsonFile(note), { temporaryPath }).catch(
        () => undefined,
      );
    }
    return outcome;
  }
}

/** The queue goes by the directory's time, which the notes have changed: meta.json is the last that the recorder wrote. */
async function restoreAge(directory: string): Promise<void> {
  try {
    const { mtime } = await lstat(join(directory, META_FILE));
    await utimes(directory, mtime, mtime);
  } catch (error) {
    // Without it, or under another owner, it queues up as a new one.
    if (!isMissing(error) && errnoOf(error) !== 'EPERM') throw error;
  }
}
