// What one check of the doctor is.

import type { TimedCheck } from '../../lib/self-check/run-checks.ts';
import type { CheckIdOf } from '../../protocol/doctor-checks.ts';
import type { DoctorContext } from './doctor-context.ts';

export type LabHostCheckId = CheckIdOf<'lab-host'>;

export interface Check<Id extends LabHostCheckId = LabHostCheckId> extends TimedCheck<DoctorContext> {
  id: Id;
}
