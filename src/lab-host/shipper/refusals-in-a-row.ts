// The refusals for good that have come since the receiver last took an episode, told from the disk, so that a restart begins no new row.

import type { DataLayout } from '../data-layout.ts';
import { isGateCode } from './gate-codes.ts';
import { readQuarantine, readShipped } from './queue-tools/settled-episodes.ts';

export interface RefusalRow {
  code: string;
  episodeIds: string[];
}

/** Undefined where there are none. The gate's refusals, and those that were made here unasked, are no part of a row. */
export async function readRefusalsInARow(layout: DataLayout): Promise<RefusalRow | undefined> {
  const newestFirst = (await readQuarantine(layout))
    .flatMap(({ episodeId, note }) => (note ? [{ episodeId, ...note }] : []))
    .filter(({ status, code }) => status !== 0 && !isGateCode(code))
    .toSorted((a, b) => (a.quarantined_at_wall > b.quarantined_at_wall ? -1 : 1));
  const code = newestFirst[0]?.code;
  // Few hosts have any: the others need not look at all that they have shipped.
  if (code === undefined) return undefined;
  const lastTakenAtWall = (await readShipped(layout)).reduce(
    (last, { note }) => (note && note.shipped_at_wall > last ? note.shipped_at_wall : last),
    '',
  );
  const end = newestFirst.findIndex((it) => it.code !== code || it.quarantined_at_wall <= lastTakenAtWall);
  const row = end === -1 ? newestFirst : newestFirst.slice(0, end);
  return row.length === 0 ? undefined : { code, episodeIds: row.map(({ episodeId }) => episodeId) };
}
