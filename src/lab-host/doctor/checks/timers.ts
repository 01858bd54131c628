// What is run now and then on this host, as systemd has it.

import { judgeUnits } from '../../../lib/self-check/judge-units.ts';
import type { Check } from '../check.ts';
import type { DoctorContext } from '../doctor-context.ts';

export const timersCheck: Check<'timers'> = {
  id: 'timers',
  timeoutMs: 30_000,
  run: (context) => judgeUnits(expectedTimers(context), { run: context.run, installer: context.cures.installer }),
};

function expectedTimers({ config }: DoctorContext): string[] {
  return [
    'cis490-doctor-check.timer',
    // Without the guard a release that cannot start its own updater stays.
    ...(config.autoupdate.enabled ? ['cis490-autoupdate.timer', 'cis490-update-guard.timer'] : []),
    ...(config.cert.enabled ? ['cis490-cert-fetch.timer'] : []),
  ];
}
