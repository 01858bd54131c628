// The durable steps of the commands that change the queue. A crash test kills the process after each.

import type { ShipperStep } from '../shipper-step.ts';

export type QueueStep =
  | ShipperStep
  | 'history-written'
  | 'notes-removed'
  | 'notes-removal-synced'
  | 'moved-to-queue'
  | 'queue-synced'
  | 'episode-deleted';
