// The receiver itself, as systemd has it.

import { judgeUnits } from '../../../lib/self-check/judge-units.ts';
import type { Check } from '../check.ts';

export const unitsCheck: Check<'units'> = {
  id: 'units',
  timeoutMs: 15_000,
  run: ({ run, cures }) => judgeUnits(['cis490-receiver.service'], { run, installer: cures.installer }),
};
