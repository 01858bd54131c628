// The units of this host as systemd knows them: put in place from a release, restarted, looked at.

import { join } from 'node:path';
import { AppError } from '../../lib/app-error.ts';
import { showUnit } from '../../lib/self-check/show-unit.ts';
import { releasePath } from './install-layout.ts';
import type { UpdateDependencies } from './update-dependencies.ts';

/** What runs all the time. Timers start whatever is in force by themselves. */
const LONG_RUNNING = ['cis490-receiver.service', 'cis490-shipper.service', 'cis490-orchestrator.service'];
export const ORCHESTRATOR_UNIT = 'cis490-orchestrator.service';
export const SHIPPER_UNIT = 'cis490-shipper.service';

type Units = Pick<UpdateDependencies, 'run' | 'layout'>;

/** Before anything is fetched: without systemd nothing could be restarted, or watched. Throws `no-systemd`. */
export async function requireSystemd({ run }: Pick<Units, 'run'>): Promise<void> {
  const answer = await showUnit(run, SHIPPER_UNIT, ['LoadState']);
  if (answer.kind === 'shown') return;
  throw new AppError('no-systemd', `a release cannot be put in force here: ${answer.why}`, {
    hint: 'in an image or a container, install the release itself: scripts/install-lab-host.sh --root DIR',
  });
}

export async function enabledUnits({ run }: Pick<Units, 'run'>): Promise<string[]> {
  const enabled: string[] = [];
  for (const unit of LONG_RUNNING) {
    const answer = await run('systemctl', ['is-enabled', '--quiet', unit]);
    if (answer.kind === 'ended' && answer.code === 0) enabled.push(unit);
  }
  return enabled;
}

export async function activeUnits({ run }: Pick<Units, 'run'>, units: readonly string[]): Promise<string[]> {
  const active: string[] = [];
  for (const unit of units) {
    const state = await lookAtUnit({ run }, unit);
    if (state.active === 'active' || state.active === 'reloading') active.push(unit);
  }
  return active;
}

/** The release's own script does it, for what else this machine is, too. Throws `units-not-placed`. */
export async function placeUnits({ run, layout }: Units, commit: string): Promise<void> {
  const script = join(releasePath(layout, commit), 'scripts/install-units.sh');
  const answer = await run(script, ['lab-host']);
  if (answer.kind === 'ended' && answer.code === 0) return;
  const said = answer.kind === 'ended' ? answer.stderr.trim().slice(-300) : 'there is no such file';
  throw new AppError('units-not-placed', `${script} failed: ${said}`, {
    hint: `run it by hand: sudo ${script} lab-host`,
  });
}

/** Waits for none of them: the orchestrator may take long to let its recording finish. Throws `units-not-restarted`. */
export async function restartUnits({ run }: Pick<Units, 'run'>, units: readonly string[]): Promise<void> {
  if (units.length === 0) return;
  const answer = await run('systemctl', ['--no-block', 'restart', ...units]);
  if (answer.kind === 'ended' && answer.code === 0) return;
  const said = answer.kind === 'ended' ? answer.stderr.trim().slice(-300) : 'there is no systemctl';
  throw new AppError('units-not-restarted', `${units.join(', ')} could not be restarted: ${said}`, {
    hint: `sudo systemctl restart ${units.join(' ')}`,
  });
}

export interface UnitState {
  active: string;
  sub: string;
  /** By systemd itself, since it was last started by somebody. */
  restarts: number;
  /** 0 when there is none. */
  mainPid: number;
  /** Empty, or why it is not well: `exit-code`, `watchdog`, … */
  result: string;
}

/** Throws `unit-unknown` when systemd does not say. */
export async function lookAtUnit({ run }: Pick<Units, 'run'>, unit: string): Promise<UnitState> {
  const answer = await showUnit(run, unit, ['ActiveState', 'SubState', 'NRestarts', 'Result', 'MainPID']);
  if (answer.kind !== 'shown') throw new AppError('unit-unknown', `${unit} cannot be looked at: ${answer.why}`);
  const { ActiveState = '', SubState = '', NRestarts, Result, MainPID } = answer.properties;
  return {
    active: ActiveState,
    sub: SubState,
    restarts: Number(NRestarts) || 0,
    mainPid: Number(MainPID) || 0,
    result: Result === undefined || Result === 'success' ? '' : Result,
  };
}
