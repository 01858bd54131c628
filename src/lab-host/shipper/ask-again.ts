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

const EVERY_MS = 3_600_000;
const UNANSWERED_MS = 300_000;

export interface AskAgainDependencies {
  layout: DataLayout;
  transport: Transport;
  clock: Clock;
  logger: Logger;
}

/** Beside everything else, until `stop`: a receiver that says nothing holds nobody up, and is asked again before the hour is over. */
export async function keepAsking(
  dependencies: AskAgainDependencies & { link: { readonly trouble?: unknown } },
  stop: AbortSignal,
): Promise<void> {
  const { clock, link } = dependencies;
  while (!stop.aborted) {
    const isAnswered = !link.trouble && (await askAgain(dependencies, stop));
    await clock.sleep(isAnswered ? EVERY_MS : UNANSWERED_MS, stop);
  }
}

/** False when the receiver did not answer. What cannot be put back, as while a command changes the queue, is told. */
export async function askAgain(dependencies: AskAgainDependencies, stop: AbortSignal): Promise<boolean> {
  try {
    return await askAndRequeue(dependencies, stop);
  } catch (error) {
    dependencies.logger.warn(
      { err: error },
      'refused episodes could not be put back into the queue; tried again in an hour',
    );
    return true;
  }
}

async function askAndRequeue(
  { layout, transport, clock, logger }: AskAgainDependencies,
  stop: AbortSignal,
): Promise<boolean> {
  for (const { stamp, names } of await refusedByGate(layout)) {
    if (stop.aborted) return false;
    const answer = await askGate(transport, stamp, stop);
    // Who does not answer one question does not answer the next, and an older receiver none at all.
    if (answer.kind === 'unknown') return false;
    if (answer.kind === 'absent') return true;
    if (answer.kind !== 'accepted') continue;
    const count = await requeueEpisodes({ layout, clock }, names);
    logger.info(
      { commit: stamp.commit, episodes: count },
      'the gate accepts this code now: refused episodes are back in the queue',
    );
  }
  return true;
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
