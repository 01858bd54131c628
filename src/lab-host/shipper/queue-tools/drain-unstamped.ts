// Episodes that do not say which commit made them go from episodes/ to quarantine/, without asking the receiver. Durable order, that of the
// shipper: reason into the episode, fsync → rename → fsync both directories → delete its tarball. Killed in between, the shipper finishes it.
// One that the shipper is packing then vanishes for it. One that it is sending: a refusal leaves it here; if the receiver takes it after
// all, the shipper fetches it back (fetch-back.ts).

import { join } from 'node:path';
import { isMissing } from '../../../lib/app-error.ts';
import { isThere } from '../../../lib/is-there.ts';
import { hasReason, hasReceipt, hasReceiptAt, type QuarantineReason, writeReason } from '../episode-notes.ts';
import { moveOut } from '../move-episode.ts';
import { readStamp } from '../pack-episode.ts';
import { readUptimeS } from '../uptime.ts';
import { retireOutOfQuarantine } from './fetch-back.ts';
import { mapPooled, type QueueTools } from './queue-tools.ts';
import { DRAINED_DETAIL, directoryNames } from './settled-episodes.ts';

export type DrainOutcome = 'drained' | 'stamped' | 'gone' | 'settled' | 'failed';

/** Each episode in episodes/ with what became of it; `dryRun`: with what would. The caller holds the lock of the queue. */
export async function drainUnstamped(
  tools: QueueTools,
  dryRun: boolean,
): Promise<{ name: string; outcome: DrainOutcome }[]> {
  // Node replaces what is no UTF-8 in a name: no path leads there, and the shipper tells of it.
  const names = (await directoryNames(tools.layout.episodes)).filter((name) => !name.includes('\ufffd'));
  const uptimeS = await readUptimeS(tools.layout.uptimeFile);
  return await mapPooled(names, async (name) => ({ name, outcome: await drainOne(tools, name, uptimeS, dryRun) }));
}

async function drainOne(tools: QueueTools, name: string, uptimeS: number, dryRun: boolean): Promise<DrainOutcome> {
  const { layout, logger } = tools;
  try {
    if (readStamp(layout, name).commit !== undefined) return 'stamped';
    if (await hasReceipt(layout, name)) return 'settled';
    if (!(await isThere(join(layout.episodes, name)))) return 'gone';
    if (!dryRun) await drain(tools, name, uptimeS);
    return 'drained';
  } catch (error) {
    if (!(await isThere(join(layout.episodes, name)))) return 'gone';
    logger.error({ episode: name, err: error }, 'episode could not be drained; it stays in the queue');
    return 'failed';
  }
}

async function drain(tools: QueueTools, name: string, uptimeS: number): Promise<void> {
  const { layout, clock, afterStep } = tools;
  const reason = {
    episode_id: name,
    quarantined_at_wall: clock.wallTime(),
    status: 0,
    code: 'commit-missing',
    detail: DRAINED_DETAIL,
    ...{ remediation: null, commit: null, head_commit: null, attempts: 0 },
    shipper_uptime_s: uptimeS,
  };
  // One that a killed command, or the shipper, has already written stands.
  if (!(await hasReason(layout, name))) await write(tools, reason);
  afterStep('reason-written');
  const movedTo = await moveOut({ layout, afterStep }, name, 'quarantine');
  if (await hasReceiptAt(join(layout.quarantine, movedTo))) await retireAfterAll(tools, movedTo);
}

async function write({ layout }: QueueTools, reason: QuarantineReason): Promise<void> {
  await writeReason(layout, reason).catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    // The shipper sweeps the outbox, where the file is written first: a second sweep does not come in the same moment.
    await writeReason(layout, reason);
  });
}

/** The shipper's receipt came between reason and rename: what the receiver has belongs in shipped/. */
async function retireAfterAll({ layout, logger }: QueueTools, name: string): Promise<void> {
  await retireOutOfQuarantine(layout, name);
  logger.info({ episode: name }, 'the receiver took the episode while it was drained: it is in shipped/');
}
