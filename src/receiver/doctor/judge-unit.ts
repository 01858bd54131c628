// Whether a unit is as it should be: installed, enabled, active. Unknown where systemd does not run.

import { isThere } from '../../lib/is-there.ts';
import { type CheckResult, green, red, unknown, yellow } from './check.ts';
import type { ReceiverContext } from './receiver-context.ts';

const PROPERTIES = 'LoadState,ActiveState,SubState,UnitFileState';
const INSTALLER = 'sudo /opt/cis490/scripts/install-receiver.sh';
// Made by systemd as it starts: sd_booted(3).
const BOOTED_MARK = '/run/systemd/system';

/** `unit`: with its kind, as `cis490-receiver.service`. */
export async function judgeUnit(unit: string, { run }: ReceiverContext): Promise<CheckResult> {
  const answer = await run('systemctl', ['show', `--property=${PROPERTIES}`, unit]);
  if (answer.kind === 'ended' && answer.code === 0) return judge(unit, parse(answer.stdout));
  if (!(await isThere(BOOTED_MARK))) return unknown('systemd does not run here');
  const said = answer.kind === 'absent' ? 'there is no systemctl' : answer.stderr.trim() || `exit code ${answer.code}`;
  return unknown(`systemd could not be asked: ${said}`);
}

function judge(unit: string, properties: Readonly<Record<string, string>>): CheckResult {
  const { LoadState: load, ActiveState: active = 'unknown', SubState: sub = '', UnitFileState: file = '' } = properties;
  const name = unit.replace(/\.service$/, '');
  const start = `sudo systemctl enable --now ${name}`;
  if (load === 'not-found') return red(`${name} is not installed`, INSTALLER, start);
  if (load === 'masked' || file.startsWith('masked'))
    return red(`${name} is masked`, `sudo systemctl unmask ${name}`, start);
  const isLooping = sub === 'auto-restart';
  if (active === 'failed' || isLooping)
    return red(
      `${name} ${isLooping ? 'starts and ends again and again' : 'has failed'}`,
      `sudo journalctl -u ${name} -n 50 --no-pager`,
      start,
    );
  if (active === 'activating' || active === 'deactivating')
    return yellow(`${name} is ${active}`, `systemctl status ${name}`);
  if (!['active', 'reloading', 'refreshing'].includes(active)) return red(`${name} is ${active}`, start);
  if (['disabled', 'bad'].includes(file)) return red(`${name} is ${file}: it does not start with the machine`, start);
  return green(`${name} is active`);
}

function parse(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => /^(\w+)=(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((found) => (found ? [[found[1], found[2]]] : [])));
}
