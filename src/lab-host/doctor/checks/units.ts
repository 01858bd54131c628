// The programs of this host, as systemd has them: each that should run runs, and would run again after a restart of the machine.

import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';
import { judgeUnits } from '../judge-units.ts';

export const unitsCheck: Check<'units'> = {
  id: 'units',
  timeoutMs: 30_000,
  run: (context) => judgeUnits(expectedUnits(context), context),
};

function expectedUnits({ config }: DoctorContext): string[] {
  return ['cis490-shipper.service', ...(config.orchestrator.enabled ? ['cis490-orchestrator.service'] : [])];
}
