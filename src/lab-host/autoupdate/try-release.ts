// A release that is in place and tested, put in force: on trial from before the link changes until it is confirmed or taken back.

import { messageOf } from '../../lib/app-error.ts';
import { pruneReleases } from './prune-releases.ts';
import { rollBack } from './roll-back.ts';
import { asConfirmed } from './settle-update.ts';
import { readShipperFacts, type ShipperFacts } from './shipper-progress.ts';
import { switchLink } from './switch-link.ts';
import { activeUnits, enabledUnits, placeUnits, restartUnits } from './units.ts';
import type { UpdateDependencies, UpdateReport } from './update-dependencies.ts';
import { watchRelease } from './watch-release.ts';

export interface TrialOf {
  from: string;
  to: string;
  source: string;
  releaseNumber: number | null;
  /** Undefined: all that are enabled. */
  units: readonly string[] | undefined;
}

/** Undefined when the guard took it back meanwhile: what it wrote is to be read. */
export type TrialEnd = UpdateReport | undefined;

export async function tryRelease(dependencies: UpdateDependencies, release: Omit<TrialOf, 'units'>): Promise<TrialEnd> {
  const { state, layout, logger, afterStep, config } = dependencies;
  const { from, to, source, releaseNumber } = release;
  const units = await activeUnits(dependencies, await enabledUnits(dependencies));
  const pending = { from, to, boots: 0, ticks: 0, max_ticks: windowTicks(config.autoupdate.health_window_s) };
  const trial = { release_number: releaseNumber, source, units };
  await state.change((now) => ({ ...now, pending, trial }));
  logger.info({ from, to }, 'update: on trial from now on');
  afterStep('recorded');
  await switchLink(layout, to);
  logger.info({ current: to }, 'update: switched');
  afterStep('switched');
  return await standTrial(dependencies, { ...release, units });
}

/** From the restart on. May be begun anew at any time while the release is on trial. */
export async function standTrial(dependencies: UpdateDependencies, trial: TrialOf): Promise<TrialEnd> {
  const { state, logger, afterStep, clock } = dependencies;
  const { from, to, source, releaseNumber } = trial;
  const back = (why: string, isBlameless: boolean) =>
    rollBack(dependencies, { from, to, source, releaseNumber, why, isBlameless });
  let before: ShipperFacts | undefined;
  let units = trial.units;
  try {
    const enabled = await enabledUnits(dependencies);
    units ??= enabled;
    before = await readShipperFacts(dependencies.config.paths.data_dir);
    await placeUnits(dependencies, to);
    afterStep('units-placed');
    await restartUnits(dependencies, enabled);
    logger.info({ units: enabled.join(' ') }, 'update: units in place and restarted');
    afterStep('restarted');
  } catch (error) {
    return await back(messageOf(error), false);
  }
  const outcome = await watchRelease(dependencies, { from, to, units, before });
  if (outcome.kind === 'stopped') return stopped(trial);
  if (outcome.kind === 'taken-back') return undefined;
  if (outcome.kind === 'bad') return await back(outcome.why, outcome.isBlameless);
  afterStep('watched');
  let isOurs = false;
  await state.change((now) => {
    isOurs = now.pending?.to === to;
    return isOurs ? asConfirmed(now, { source, atWall: clock.wallTime(), from, to, releaseNumber }) : undefined;
  });
  if (!isOurs) return undefined;
  logger.info({ commit: to, before: from }, 'update: confirmed');
  afterStep('confirmed');
  await pruneReleases(dependencies, [from]).catch((error: unknown) =>
    logger.warn({ err: error }, 'update: old releases could not be removed; tried again at the next update'),
  );
  afterStep('pruned');
  return { result: 'updated', commit: to, target: to, release_number: releaseNumber, detail: null };
}

/** The guard's patience: the window in minutes, rounded up, and 3. */
export function windowTicks(windowS: number): number {
  return Math.ceil(windowS / 60) + 3;
}

function stopped({ to, releaseNumber }: Omit<TrialOf, 'units'>): UpdateReport {
  const detail = 'told to stop: the release stays on trial, and the next run goes on';
  return { result: 'stopped', commit: to, target: to, release_number: releaseNumber, detail };
}
