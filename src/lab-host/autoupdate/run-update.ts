// One run, in the order of docs/adr/0010-releases-and-updates.md: what an earlier one left → ask → place → test → trial. Whatever fails
// before the link changes leaves the release that runs as it is.

import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { isThere } from '../../lib/is-there.ts';
import { askGit } from './ask-git.ts';
import { askReceiver } from './ask-receiver.ts';
import { finishEarlier } from './finish-earlier.ts';
import { readCurrent, releasePath } from './install-layout.ts';
import { placeGuard } from './place-guard.ts';
import { removeLeftovers } from './prune-releases.ts';
import { asCurrent, asFailed } from './settle-update.ts';
import { testRelease } from './test-release.ts';
import { tryRelease } from './try-release.ts';
import { requireSystemd } from './units.ts';
import type { Candidate, Found, UpdateDependencies, UpdateReport } from './update-dependencies.ts';

// The release itself is at fault, and would be at each try.
const RELEASE_AT_FAULT = new Set(['release-malformed', 'release-test-failed']);

/** Never throws for what an update can meet; only what keeps update-state.json from being written gets out. */
export async function runUpdate(dependencies: UpdateDependencies): Promise<UpdateReport> {
  let running: string | undefined;
  try {
    const earlier = await finishEarlier(dependencies);
    if (earlier) return earlier;
    running = await requireRunning(dependencies);
    await placeGuard(dependencies, running);
    if (!dependencies.config.autoupdate.enabled) {
      const detail = '[autoupdate] enabled = false';
      return { result: 'off', commit: running, target: null, release_number: null, detail };
    }
    const found = await ask(dependencies, running);
    if (found.kind !== 'candidate') return await nothingToDo(dependencies, running, found);
    return await install(dependencies, running, found.candidate);
  } catch (error) {
    if (dependencies.stop.aborted) return stoppedReport(running);
    return await failed(dependencies, running, undefined, error);
  }
}

/** What a run would do. Writes nothing but, with source = "git", the mirror. */
export async function checkForUpdate(dependencies: UpdateDependencies): Promise<UpdateReport> {
  const running = await requireRunning(dependencies);
  const found = await ask(dependencies, running);
  const report = { commit: running, target: running, release_number: null, detail: null };
  if (found.kind === 'current') return { ...report, result: 'current', release_number: found.releaseNumber };
  if (found.kind === 'nothing') return { ...report, result: 'current', detail: found.detail };
  if (found.kind === 'left-alone')
    return { ...report, result: 'left-alone', target: found.commit, detail: found.detail };
  const { commit, releaseNumber } = found.candidate;
  return { ...report, result: 'available', target: commit, release_number: releaseNumber };
}

async function requireRunning({ layout }: UpdateDependencies): Promise<string> {
  const running = await readCurrent(layout);
  if (running !== undefined && (await isThere(releasePath(layout, running)))) return running;
  throw new AppError('no-release', `${layout.current} leads to no release`, {
    hint: `look at ls -l ${layout.current} ${layout.releases}, then install again: sudo scripts/install-lab-host.sh`,
  });
}

async function ask(dependencies: UpdateDependencies, running: string): Promise<Found> {
  const state = await dependencies.state.read();
  const { source } = dependencies.config.autoupdate;
  return source === 'git'
    ? await askGit(dependencies, running, state)
    : await askReceiver(dependencies, running, state);
}

async function nothingToDo(
  dependencies: UpdateDependencies,
  running: string,
  found: Exclude<Found, { kind: 'candidate' }>,
): Promise<UpdateReport> {
  const { state, clock, config, logger } = dependencies;
  const detail = 'detail' in found ? found.detail : undefined;
  const report = { commit: running, target: running, release_number: null, detail: detail ?? null };
  await removeLeftovers(dependencies, []);
  // What was rolled back stays told while it is what should run.
  if (found.kind === 'left-alone' && found.isBad) return { ...report, result: 'left-alone', target: found.commit };
  if (found.kind === 'left-alone') logger.warn({ offered: found.commit }, `update: ${found.detail}`);
  const releaseNumber = found.kind === 'current' ? found.releaseNumber : null;
  const { source } = config.autoupdate;
  const ending = { source, atWall: clock.wallTime(), from: running, to: running, releaseNumber, detail };
  await state.change((now) => asCurrent(now, ending));
  return { ...report, result: found.kind === 'left-alone' ? 'left-alone' : 'current', release_number: releaseNumber };
}

async function install(dependencies: UpdateDependencies, running: string, candidate: Candidate): Promise<UpdateReport> {
  const { stop, config } = dependencies;
  const { commit: to, releaseNumber, leftovers } = candidate;
  try {
    await requireSystemd(dependencies);
    await removeLeftovers(dependencies, leftovers);
    await candidate.place();
    if (stop.aborted) return stoppedReport(running);
    await testRelease(dependencies, to);
    if (stop.aborted) return stoppedReport(running);
  } catch (error) {
    if (stop.aborted) return stoppedReport(running);
    return await failed(dependencies, running, candidate, error);
  }
  const { source } = config.autoupdate;
  const end = await tryRelease(dependencies, { from: running, to, source, releaseNumber });
  // The guard was quicker: what it wrote down is told now.
  return end ?? (await finishEarlier(dependencies)) ?? (await takenBackReport(dependencies));
}

async function failed(
  dependencies: UpdateDependencies,
  running: string | undefined,
  candidate: Candidate | undefined,
  error: unknown,
): Promise<UpdateReport> {
  const { state, clock, config, logger, layout } = dependencies;
  const isBad = error instanceof AppError && RELEASE_AT_FAULT.has(error.code);
  const detail = errnoOf(error) === 'ENOSPC' ? `no room on the disk of ${layout.releases}` : messageOf(error);
  const hint = error instanceof AppError ? error.hint : undefined;
  logger.error({ code: errnoOf(error), reason: detail, cure: hint }, 'update: failed');
  const { pending } = await state.read();
  const ending = {
    source: config.autoupdate.source,
    atWall: clock.wallTime(),
    detail,
    ...(running !== undefined && { from: running }),
    ...(candidate && { to: candidate.commit, releaseNumber: candidate.releaseNumber }),
  };
  // A trial that could not be ended is told when it is.
  if (!pending) {
    await state
      .change((now) => asFailed(now, ending, isBad))
      .catch((failure: unknown) => logger.error({ err: failure }, 'update: its failure could not be written down'));
  }
  return {
    result: 'failed',
    commit: (await readCurrent(layout).catch(() => undefined)) ?? null,
    target: candidate?.commit ?? null,
    release_number: candidate?.releaseNumber ?? null,
    detail,
  };
}

function stoppedReport(running: string | undefined): UpdateReport {
  const detail = 'told to stop: the next run goes on';
  return { result: 'stopped', commit: running ?? null, target: null, release_number: null, detail };
}

async function takenBackReport({ layout }: UpdateDependencies): Promise<UpdateReport> {
  const commit = (await readCurrent(layout)) ?? null;
  const detail = 'somebody changed the link while the release was watched';
  return { result: 'failed', commit, target: null, release_number: null, detail };
}
