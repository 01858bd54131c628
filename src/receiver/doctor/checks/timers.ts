// What is run now and then on the receiver's machine: without the monitor nobody is told of a sick host.

import { type CheckResult, green, red, unknown, worstOf } from '../../../lib/self-check/check-result.ts';
import { judgeUnits } from '../../../lib/self-check/judge-units.ts';
import { showUnit } from '../../../lib/self-check/show-unit.ts';
import type { Check } from '../check.ts';
import type { ReceiverContext } from '../receiver-context.ts';

const MONITOR = 'cis490-fleet-health';

export const timersCheck: Check<'timers'> = {
  id: 'timers',
  timeoutMs: 15_000,
  async run(context) {
    const { run, cures } = context;
    const timer = await judgeUnits([`${MONITOR}.timer`], { run, installer: cures.installer });
    if (timer.status === 'unknown') return timer;
    return worstOf([timer, await judgeLastRun(context)], ', ');
  },
};

/** A timer stays active however often what it starts has failed. */
async function judgeLastRun({ run, cures }: ReceiverContext): Promise<CheckResult> {
  const answer = await showUnit(run, `${MONITOR}.service`, ['LoadState', 'Result']);
  if (answer.kind === 'no-systemd') return unknown(answer.why);
  const { LoadState: load, Result: result } = answer.properties;
  if (load === 'not-found') return red(`${MONITOR}.service is not installed`, cures.installer);
  if (result === undefined) return unknown(`systemd does not tell how ${MONITOR} ended`);
  if (result !== 'success')
    return red(`the last run of ${MONITOR} has failed: ${result}`, `sudo journalctl -u ${MONITOR} -n 50 --no-pager`);
  return green('its last run was a success');
}
