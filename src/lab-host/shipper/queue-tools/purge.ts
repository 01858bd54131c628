// cis490 quarantine purge: deletes refused episodes for good, those alone that have a reason to be in quarantine. Durable order:
//   history rows, fsync → of each: one rename out of quarantine/, fsync → delete. What a crash leaves is swept out of the outbox.

import { join } from 'node:path';
import { AppError, isMissing, messageOf } from '../../../lib/app-error.ts';
import { formatSize } from '../../../lib/format-size.ts';
import { inertLine } from '../../../lib/inert-text.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { removeSettled } from '../remove-settled.ts';
import { directoryBytes } from './directory-files.ts';
import { countOf } from './format-text.ts';
import { nowhere } from './nowhere.ts';
import { appendHistory } from './queue-history.ts';
import { mapPooled, type QueueTools } from './queue-tools.ts';
import { codeOf, type Selection, selectQuarantined } from './select-quarantined.ts';
import { type QuarantinedEpisode, readQuarantine, readReason } from './settled-episodes.ts';
import { type Change, type ChangeOptions, tellAsJson, tellEach } from './tell-changes.ts';

const UNFOUNDED = 'it has no reason to be in quarantine';

export interface PurgeOptions extends ChangeOptions {
  selection: Selection;
  /** Asks whoever is there, before the queue is locked; false: leave everything as it is. */
  confirm: (question: string) => Promise<boolean>;
}

/** Resolves with the exit code. Throws `bad-input` before anything is deleted. */
export async function purge(
  tools: QueueTools,
  options: PurgeOptions,
  lock: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<number> {
  const { layout, clock, output } = tools;
  const { selection, dryRun, json, confirm } = options;
  const { ids, code, commit, olderThan } = selection;
  if (ids.length === 0 && code === undefined && commit === undefined && olderThan === undefined)
    throw new AppError('bad-input', 'which ones? Name episodes, or say --older-than, --code or --commit');
  const { selected, unknownIds } = selectQuarantined(await readQuarantine(layout), selection, clock.wallTime());
  for (const id of unknownIds) throw await nowhere(layout, id, 'quarantine');
  const unfounded = selected.filter(({ note }) => !note);
  if (unfounded[0] && selected.length === unfounded.length) throw refusedToDelete(unfounded[0]);
  const doomed = selected.filter(({ note }) => note);
  if (doomed.length === 0 && !json) {
    output.write('nothing to do: no such episode is in quarantine/\n');
    return 0;
  }
  const sizes = await mapPooled(doomed, ({ name }) => directoryBytes(join(layout.quarantine, name)));
  const total = `${countOf(doomed.length)}, ${formatSize(sizes.reduce((sum, size) => sum + size, 0))}`;
  if (!json) {
    const verb = dryRun ? 'would be purged' : 'to purge';
    tellEach(tools, doomed, (episode) => `${verb} ${episode.name} (refused for ${codeOf(episode)})`);
    for (const { name } of unfounded) output.write(`${inertLine(`stays ${name}: ${UNFOUNDED}`)}\n`);
  }
  const isDeleted = await deleteThem();
  const count = isDeleted.filter(Boolean).length;
  if (json) tellAsJson(tools, 'purged', options, [...doomed.map(asChange), ...unfounded.map(asUnfounded)]);
  else if (dryRun) output.write(`${total} would be purged\n`);
  else output.write(count > 0 ? `${countOf(count)} purged\n` : 'nothing was deleted\n');
  return count === doomed.length ? 0 : 1;

  /** Of each whether it is deleted, or would be. */
  async function deleteThem(): Promise<boolean[]> {
    if (dryRun || doomed.length === 0) return doomed.map(() => true);
    if (!(await confirm(`Delete ${total}, for good?`))) return doomed.map(() => false);
    return await lock(() => deleteAll(tools, doomed));
  }

  function asChange({ episodeId, name }: QuarantinedEpisode, index: number): Change {
    return { episode_id: episodeId, name, outcome: isDeleted[index] ? 'purged' : 'stays' };
  }
}

function asUnfounded({ episodeId, name }: QuarantinedEpisode): Change {
  return { episode_id: episodeId, name, outcome: 'stays', detail: UNFOUNDED };
}

/** Of each whether it is deleted now. */
async function deleteAll(tools: QueueTools, doomed: readonly QuarantinedEpisode[]): Promise<boolean[]> {
  const { layout, clock, by, logger, afterStep } = tools;
  const at_wall = clock.wallTime();
  const rows = doomed.map(({ name, episodeId, note }) => ({
    ...{ at_wall, action: 'purged' as const, by, episode_id: episodeId, name, note },
  }));
  await appendHistory(layout, rows).catch((error: unknown) => {
    // On a full disk this is the very command that makes room.
    logger.warn({ err: error }, 'queue-history.jsonl could not be written; the episodes are deleted all the same');
  });
  afterStep('history-written');
  return await mapPooled(doomed, async ({ name, note }) => {
    try {
      // It may have been requeued meanwhile, and even be there again for another reason.
      const reason = await readReason(join(layout.quarantine, name));
      if (!reason || reason.quarantined_at_wall !== note?.quarantined_at_wall) return false;
      await removeSettled(layout, layout.quarantine, name, afterStep);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      // One that cannot be deleted keeps none of the others.
      const hint =
        error instanceof AppError ? error.hint : `look at it: ls -ld ${shellWord(join(layout.quarantine, name))}`;
      logger.error({ episode: name, reason: messageOf(error), hint }, 'the episode could not be purged');
      return false;
    }
  });
}

function refusedToDelete({ name }: QuarantinedEpisode): AppError {
  return new AppError(
    'bad-input',
    `${JSON.stringify(name)} has no quarantine_reason.json: it was not refused for good`,
    {
      hint: `send it: cis490 quarantine requeue ${name}`,
    },
  );
}
