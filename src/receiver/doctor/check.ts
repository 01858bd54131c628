// One look at the receiver.

import type { TimedCheck } from '../../lib/self-check/run-checks.ts';
import type { CheckIdOf } from '../../protocol/doctor-checks.ts';
import type { ReceiverContext } from './receiver-context.ts';

export type ReceiverCheckId = CheckIdOf<'receiver'>;

export interface Check<Id extends ReceiverCheckId = ReceiverCheckId> extends TimedCheck<ReceiverContext> {
  id: Id;
}
