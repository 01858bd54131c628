// The programs of this host, as systemd has them: each that should run runs, and would run again after a restart of the machine.

import { judgeUnits } from '../../../lib/self-check/judge-units.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';

export const unitsCheck: Check<'units'> = {
  id: 'units',
  timeoutMs: 30_000,
  run: (context) => judgeUnits(expectedUnits(context), { run: context.run, installer: context.cures.installer }),
};

function expectedUnits({ config }: DoctorContext): string[] {
  return ['cis490-shipper.service', ...(config.orchestrator.enabled ? ['cis490-orchestrator.service'] : [])];
}
