// What the commands that look at and change the queue of a lab host are given.

import type { AfterStep } from '../../../lib/after-step.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { DataLayout } from '../../data-layout.ts';
import type { RemovalStep } from '../remove-settled.ts';
import type { ShipperStep } from '../shipper-step.ts';

export interface CommandOutput {
  /** The result, for people or programs. */
  write(text: string): void;
}

export interface QueueTools {
  layout: DataLayout;
  clock: Clock;
  logger: Logger;
  output: CommandOutput;
  /** Who gave the command, for the history. */
  by: string;
  afterStep: AfterStep<QueueStep>;
}

/** The durable steps of the commands that change the queue. A crash test kills the process after each. */
export type QueueStep =
  | ShipperStep
  | RemovalStep
  | 'history-written'
  | 'notes-removed'
  | 'notes-removal-synced'
  | 'moved-to-queue'
  | 'queue-synced';

// As many files and directories are worked on at once: their fsyncs then share the disk's journal.
const AT_ONCE = 16;

/** In the order of `items`. After a failure nothing new is begun, and it is thrown once all that was begun has ended. */
export async function mapPooled<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(items[index] as Item);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return results;
}
