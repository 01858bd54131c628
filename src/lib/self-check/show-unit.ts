// What systemd says of one unit, or that systemd does not run here.

import { isThere } from '../is-there.ts';
import type { RunProgram } from './run-program.ts';

export type UnitAnswer =
  | { kind: 'shown'; properties: Readonly<Record<string, string>> }
  /** `why` is one line. */
  | { kind: 'no-systemd'; why: string };

// Made by systemd as it starts: sd_booted(3).
const BOOTED_MARK = '/run/systemd/system';

export async function showUnit(run: RunProgram, unit: string, properties: readonly string[]): Promise<UnitAnswer> {
  const answer = await run('systemctl', ['show', `--property=${properties.join(',')}`, unit]);
  if (answer.kind === 'ended' && answer.code === 0) return { kind: 'shown', properties: parse(answer.stdout) };
  if (!(await isThere(BOOTED_MARK))) return { kind: 'no-systemd', why: 'systemd does not run here' };
  const said = answer.kind === 'absent' ? 'there is no systemctl' : answer.stderr.trim() || `exit code ${answer.code}`;
  return { kind: 'no-systemd', why: `systemd could not be asked: ${said}` };
}

function parse(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => /^(\w+)=(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((found) => (found ? [[found[1], found[2]]] : [])));
}
