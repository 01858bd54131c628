// What an earlier run, or the guard, has left: told from update-state.json and the link alone, and brought to its end before anything new.

import { readlink } from 'node:fs/promises';
import { isThere } from '../../lib/is-there.ts';
import type { UpdateState } from '../../protocol/update-state.ts';
import { readCurrent, releasePath } from './install-layout.ts';
import { rollBack } from './roll-back.ts';
import { asRolledBack } from './settle-update.ts';
import { switchLink } from './switch-link.ts';
import { standTrial, windowTicks } from './try-release.ts';
import { enabledUnits, lookAtUnit, placeUnits, restartUnits } from './units.ts';
import type { UpdateDependencies, UpdateReport } from './update-dependencies.ts';

// As often as a trial may be begun anew before the guard's patience ends.
const MOST_EXTENSIONS = 3;

/** What that came to; undefined when nothing was left, or only a note of what was never begun. */
export async function finishEarlier(dependencies: UpdateDependencies): Promise<UpdateReport | undefined> {
  const found = await dependencies.state.read();
  if (found.flipped) return await tellFlipped(dependencies, found.flipped, found.trial);
  if (!found.pending) return undefined;
  const { layout, logger, state } = dependencies;
  const { from, to } = found.pending;
  const { trial } = found;
  const release = { from, to, source: trial?.source ?? 'receiver', releaseNumber: trial?.release_number ?? null };
  const current = await readCurrent(layout);
  if (trial?.back)
    return await rollBack(dependencies, { ...release, why: trial.back, isBlameless: trial.blameless ?? false });
  const isWhole = current !== undefined && (await isThere(releasePath(layout, current)));
  if (!isWhole)
    return await rollBack(dependencies, { ...release, why: 'current leads to no release', isBlameless: false });
  if (current !== to) {
    logger.warn({ from, to, current }, 'update: an earlier run ended before the link was changed: nothing is on trial');
    await state.change(({ pending: _, trial: __, ...rest }) => rest);
    return undefined;
  }
  logger.info({ commit: to, before: from }, 'update: going on with a release that is on trial');
  await state.change((now) => extended(now, dependencies.config.autoupdate.health_window_s));
  const end = await standTrial(dependencies, { ...release, units: trial?.units ?? undefined });
  return end ?? (await finishEarlier(dependencies));
}

/** So that there is time to watch once more; not for ever, so that a run that is killed each time comes to an end. */
function extended(state: UpdateState, windowS: number): UpdateState {
  if (!state.pending) return state;
  const ticks = windowTicks(windowS);
  const max_ticks = Math.max(state.pending.max_ticks, Math.min(state.pending.ticks + ticks, MOST_EXTENSIONS * ticks));
  return { ...state, pending: { ...state.pending, max_ticks } };
}

/** The guard may have been killed before it restarted what still runs the release that it took back. */
async function tellFlipped(
  dependencies: UpdateDependencies,
  { from, to, why }: NonNullable<UpdateState['flipped']>,
  trial: UpdateState['trial'],
): Promise<UpdateReport> {
  const { layout, logger, state, clock, afterStep } = dependencies;
  logger.error({ commit: to, back_to: from, reason: why }, 'update: the guard took the release back');
  if ((await readCurrent(layout)) === to) await switchLink(layout, from);
  const stale = await unitsRunning(dependencies, to);
  if (stale.length > 0) {
    await placeUnits(dependencies, from);
    await restartUnits(dependencies, stale);
  }
  const detail = `taken back by the guard: ${why}`;
  const releaseNumber = trial?.release_number ?? null;
  const source = trial?.source ?? 'receiver';
  const ending = { source, atWall: clock.wallTime(), from, to, releaseNumber, detail };
  await state.change((now) => asRolledBack(now, ending, false));
  afterStep('rolled-back');
  return { result: 'rolled-back', commit: from, target: to, release_number: releaseNumber, detail };
}

/** Units whose process runs the Node of that release. */
async function unitsRunning(dependencies: UpdateDependencies, commit: string): Promise<string[]> {
  const tree = `${releasePath(dependencies.layout, commit)}/`;
  const running: string[] = [];
  for (const unit of await enabledUnits(dependencies)) {
    const { mainPid } = await lookAtUnit(dependencies, unit);
    const program = mainPid > 0 ? await readlink(`/proc/${mainPid}/exe`).catch(() => '') : '';
    if (program.startsWith(tree)) running.push(unit);
  }
  return running;
}
