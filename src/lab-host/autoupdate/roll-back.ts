// Back to the release that ran before: decided durably first, so that whoever comes after a kill finishes it and never watches again what
// was found bad.

import { messageOf } from '../../lib/app-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { releasePath } from './install-layout.ts';
import { asFailed, asRolledBack } from './settle-update.ts';
import { switchLink } from './switch-link.ts';
import { enabledUnits, placeUnits, restartUnits } from './units.ts';
import type { UpdateDependencies, UpdateReport } from './update-dependencies.ts';

export interface BackFrom {
  from: string;
  to: string;
  source: string;
  releaseNumber: number | null;
  why: string;
  isBlameless: boolean;
}

/** Throws when it could not be done, and then it is still to be done. */
export async function rollBack(dependencies: UpdateDependencies, back: BackFrom): Promise<UpdateReport> {
  const { layout, state, clock, logger, afterStep } = dependencies;
  const { from, to, why, isBlameless, source, releaseNumber } = back;
  const ending = () => ({ source, atWall: clock.wallTime(), from, to, releaseNumber, detail: why });
  logger.warn({ commit: to, reason: why, back_to: from }, 'update: the release is taken back');
  if (!(await isThere(releasePath(layout, from)))) {
    logger.error(
      { commit: from, running: to },
      'update: what ran before is not there any more: the new release stays, not confirmed',
    );
    await state.change(({ pending: _, trial: __, ...rest }) => asFailed(rest, ending(), true));
    return { result: 'failed', commit: to, target: to, release_number: releaseNumber, detail: why };
  }
  await state.change((now) => ({ ...now, trial: { ...now.trial, back: why, blameless: isBlameless } }));
  afterStep('back-decided');
  try {
    await switchLink(layout, from);
    afterStep('back-switched');
    await placeUnits(dependencies, from);
    await restartUnits(dependencies, await enabledUnits(dependencies));
    afterStep('back-restarted');
  } catch (error) {
    logger.error(
      { err: error, reason: messageOf(error), commit: from },
      'update: the release that ran before could not be brought back wholly; it is tried again, by the guard and by the next run',
    );
    throw error;
  }
  await state.change((now) => asRolledBack(now, ending(), isBlameless));
  logger.warn({ commit: from, bad: to, reason: why }, 'update: rolled back');
  afterStep('rolled-back');
  return { result: 'rolled-back', commit: from, target: to, release_number: releaseNumber, detail: why };
}
