// Whether units are as they should be: installed, enabled, active.

import { type CheckResult, green, red, unknown, yellow } from './check.ts';
import type { DoctorContext } from './doctor-context.ts';
import { showUnit } from './show-unit.ts';

const PROPERTIES = ['LoadState', 'ActiveState', 'SubState', 'UnitFileState'];
const NOT_ENABLED = new Set(['disabled', 'masked', 'masked-runtime', 'bad']);
const ON_ITS_WAY = new Set(['activating', 'deactivating']);

interface Judged {
  status: 'green' | 'yellow' | 'red';
  /** `cis490-shipper is failed` */
  what: string;
  cure: string[];
}

/** `units`: with their kind, as `cis490-shipper.service`. */
export async function judgeUnits(units: readonly string[], { run, cures }: DoctorContext): Promise<CheckResult> {
  const judged: Judged[] = [];
  for (const unit of units) {
    const answer = await showUnit(run, unit, PROPERTIES);
    if (answer.kind === 'no-systemd') return unknown(answer.why);
    judged.push(judge(unit, answer.properties, cures.installer));
  }
  const sick = judged.filter(({ status }) => status !== 'green');
  if (sick.length === 0) return green(judged.map(({ what }) => what).join(', '));
  const result = sick.some(({ status }) => status === 'red') ? red : yellow;
  return result(sick.map(({ what }) => what).join(', '), ...sick.flatMap(({ cure }) => cure));
}

function judge(unit: string, properties: Readonly<Record<string, string>>, installer: string): Judged {
  const { LoadState: load, ActiveState: active = 'unknown', SubState: sub, UnitFileState: file } = properties;
  const name = unit.replace(/\.service$/, '');
  const enable = `sudo systemctl enable --now ${name}`;
  const log = `sudo journalctl -u ${name} -n 50 --no-pager`;
  if (load === 'not-found') return { status: 'red', what: `${name} is not installed`, cure: [installer, enable] };
  if (load === 'masked' || file?.startsWith('masked'))
    return { status: 'red', what: `${name} is masked`, cure: [`sudo systemctl unmask ${name}`, enable] };
  if (active === 'failed' || sub === 'auto-restart')
    return {
      status: 'red',
      what: `${name} ${sub === 'auto-restart' ? 'starts and ends again and again' : 'has failed'}`,
      cure: [log, enable],
    };
  if (ON_ITS_WAY.has(active))
    return { status: 'yellow', what: `${name} is ${active}`, cure: [`systemctl status ${name}`] };
  if (active !== 'active' && active !== 'reloading' && active !== 'refreshing')
    return { status: 'red', what: `${name} is ${active}`, cure: [enable] };
  if (NOT_ENABLED.has(file ?? ''))
    return { status: 'red', what: `${name} is ${file}: it does not start with the machine`, cure: [enable] };
  return { status: 'green', what: `${name} is active`, cure: [] };
}
