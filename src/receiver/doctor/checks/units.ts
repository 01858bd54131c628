// The receiver itself, as systemd has it.

import type { Check } from '../check.ts';
import { judgeUnit } from '../judge-unit.ts';

export const unitsCheck: Check<'units'> = {
  id: 'units',
  timeoutMs: 15_000,
  run: (context) => judgeUnit('cis490-receiver.service', context),
};
