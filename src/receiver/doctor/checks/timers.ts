// What is run now and then on the receiver's machine: without the monitor nobody is told of a sick host.

import type { Check } from '../check.ts';
import { judgeUnit } from '../judge-unit.ts';

export const timersCheck: Check<'timers'> = {
  id: 'timers',
  timeoutMs: 15_000,
  run: (context) => judgeUnit('cis490-fleet-health.timer', context),
};
