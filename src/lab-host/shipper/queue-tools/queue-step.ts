// The durable steps of the commands that change the queue. A crash test kills the process after each.

import type { RemovalStep } from '../remove-settled.ts';
import type { ShipperStep } from '../shipper-step.ts';

export type QueueStep =
  | ShipperStep
  | RemovalStep
  | 'history-written'
  | 'notes-removed'
  | 'notes-removal-synced'
  | 'moved-to-queue'
  | 'queue-synced';
