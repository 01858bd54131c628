// What is run now and then on the receiver's machine: without the monitor nobody is told of a sick host.

import { judgeUnits } from '../../../lib/self-check/judge-units.ts';
import type { Check } from '../check.ts';

export const timersCheck: Check<'timers'> = {
  id: 'timers',
  timeoutMs: 15_000,
  run: ({ run, cures }) => judgeUnits(['cis490-fleet-health.timer'], { run, installer: cures.installer }),
};
