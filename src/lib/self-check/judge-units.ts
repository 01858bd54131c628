// Whether units are as they should be: installed, enabled, active.

import { type CheckResult, green, red, unknown, worstOf, yellow } from './check-result.ts';
import type { RunProgram } from './run-program.ts';
import { showUnit } from './show-unit.ts';

const PROPERTIES = ['LoadState', 'ActiveState', 'SubState', 'UnitFileState'];
const NOT_ENABLED = new Set(['disabled', 'masked', 'masked-runtime', 'bad']);
const ON_ITS_WAY = new Set(['activating', 'deactivating']);

/** `units`: with their kind, as `cis490-shipper.service`. `installer`: the command that puts them there. Unknown where systemd does not run. */
export async function judgeUnits(
  units: readonly string[],
  { run, installer }: { run: RunProgram; installer: string },
): Promise<CheckResult> {
  const judged: CheckResult[] = [];
  for (const unit of units) {
    const answer = await showUnit(run, unit, PROPERTIES);
    if (answer.kind === 'no-systemd') return unknown(answer.why);
    judged.push(judge(unit, answer.properties, installer));
  }
  return worstOf(judged, ', ');
}

function judge(unit: string, properties: Readonly<Record<string, string>>, installer: string): CheckResult {
  const { LoadState: load, ActiveState: active = 'unknown', SubState: sub, UnitFileState: file } = properties;
  const name = unit.replace(/\.service$/, '');
  const enable = `sudo systemctl enable --now ${name}`;
  if (load === 'not-found') return red(`${name} is not installed`, installer, enable);
  if (load === 'masked' || file?.startsWith('masked'))
    return red(`${name} is masked`, `sudo systemctl unmask ${name}`, enable);
  const isLooping = sub === 'auto-restart';
  if (active === 'failed' || isLooping)
    return red(
      `${name} ${isLooping ? 'starts and ends again and again' : 'has failed'}`,
      `sudo journalctl -u ${name} -n 50 --no-pager`,
      enable,
    );
  if (ON_ITS_WAY.has(active)) return yellow(`${name} is ${active}`, `systemctl status ${name}`);
  if (active !== 'active' && active !== 'reloading' && active !== 'refreshing')
    return red(`${name} is ${active}`, enable);
  if (NOT_ENABLED.has(file ?? '')) return red(`${name} is ${file}: it does not start with the machine`, enable);
  return green(`${name} is active`);
}
