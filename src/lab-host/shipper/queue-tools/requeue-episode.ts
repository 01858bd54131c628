// Refused episodes go back into the queue, as the shipper does it on its own when the gate takes their code after all.

import { noStepObserver } from '../../../lib/after-step.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { DataLayout } from '../../data-layout.ts';
import { withQueueLock } from './queue-lock.ts';
import { returnToQueue } from './return-to-queue.ts';
import { readQuarantine } from './settled-episodes.ts';

// A command that is at work is soon done; the shipper comes back to it at its next turn.
const PATIENCE_MS = 1_000;

/** Names in quarantine/. Resolves with how many went back; those that are gone, or whose id is taken, stay. Throws `already-running`. */
export async function requeueEpisodes(
  { layout, clock }: { layout: DataLayout; clock: Clock },
  names: readonly string[],
): Promise<number> {
  const wanted = new Set(names);
  const work = async () => {
    const episodes = (await readQuarantine(layout)).filter(({ name, note }) => wanted.has(name) && note !== undefined);
    const reports = await returnToQueue(
      { layout, clock, by: 'shipper', afterStep: noStepObserver },
      'requeued',
      episodes,
    );
    const failed = reports.find(({ outcome }) => outcome === 'failed');
    if (failed && reports.every(({ outcome }) => outcome !== 'returned')) throw failed.error;
    return reports.filter(({ outcome }) => outcome === 'returned').length;
  };
  return await withQueueLock(layout.root, clock, work, PATIENCE_MS);
}
