// A gate that erred for a day costs nothing: once an hour each refused commit is asked about once more, and what is accepted now goes
// back into the queue.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { DataLayout } from '../data-layout.ts';
import { isGateCode } from './gate-codes.ts';
import { askGate, type Stamp, stampKey } from './gate-query.ts';
import type { Transport } from './put-episode.ts';
import { requeueEpisodes } from './queue-tools/requeue-episode.ts';
import { readQuarantine } from './queue-tools/settled-episodes.ts';

export interface AskAgainDependencies {
  layout: DataLayout;
  transport: Transport;
  clock: Clock;
  logger: Logger;
}

/** Throws when episodes cannot be put back, and `already-running` while a command changes the queue. */
export async function askAgain(
  { layout, transport, clock, logger }: AskAgainDependencies,
  stop: AbortSignal,
): Promise<void> {
  for (const { stamp, names } of await refusedByGate(layout)) {
    if (stop.aborted) break;
    const answer = await askGate(transport, stamp, stop);
    // Who does not answer one question does not answer the next.
    if (answer.kind === 'unknown' || answer.kind === 'absent') break;
    if (answer.kind !== 'accepted') continue;
    const count = await requeueEpisodes({ layout, clock }, names);
    logger.info(
      { commit: stamp.commit, episodes: count },
      'the gate accepts this code now: refused episodes are back in the queue',
    );
  }
}

async function refusedByGate(layout: DataLayout): Promise<Iterable<{ stamp: Stamp; names: string[] }>> {
  const groups = new Map<string, { stamp: Stamp; names: string[] }>();
  for (const { name, note: reason } of await readQuarantine(layout)) {
    if (!reason || !isGateCode(reason.code)) continue;
    const stamp = { commit: reason.commit ?? undefined, dirty: reason.code === 'dirty-refused' };
    groups.getOrInsertComputed(stampKey(stamp), () => ({ stamp, names: [] as string[] })).names.push(name);
  }
  return groups.values();
}
