// cis490 shipper status: what waits, how it goes, and why it does not. From the directories and shipper-state.json; asks nobody.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing } from '../../../lib/app-error.ts';
import { formatWallTime } from '../../../lib/clock.ts';
import { parseJson } from '../../../lib/parse-json.ts';
import { readIfThere } from '../../../lib/read-if-there.ts';
import type { DataLayout } from '../../data-layout.ts';
import { freeBytesOf } from '../../free-bytes.ts';
import { cureForHold } from '../../transport/hold-cures.ts';
import { directoryBytes } from './directory-files.ts';
import { mapPooled } from './queue-tools.ts';
import { directoryNames } from './settled-episodes.ts';
import { type ShipperLife, shipperLife } from './shipper-runs.ts';

const optionalText = z.string().nullish().catch(undefined);
const optionalNumber = z.number().nonnegative().nullish().catch(undefined);

/** As any version of the shipper may have written it: what is absent or odd is left out. */
const stateSchema = z.looseObject({
  started_at_wall: optionalText,
  saved_at_wall: optionalText,
  shipped: optionalNumber,
  duplicates: optionalNumber,
  quarantined: optionalNumber,
  sent_bytes_per_s: optionalNumber,
  last_answer: z
    .looseObject({
      at_wall: z.string(),
      episode_id: z.string(),
      status: z.number(),
      code: optionalText,
      detail: optionalText,
    })
    .nullish()
    .catch(undefined),
  trouble: z
    .looseObject({
      kind: z.string(),
      code: z.string(),
      detail: optionalText,
      cure: optionalText,
      since_wall: optionalText,
    })
    .nullish()
    .catch(undefined),
});
type SavedState = z.infer<typeof stateSchema>;

export interface QueueStatus {
  shipper: ShipperLife['kind'];
  pid: number | null;
  waiting: { episodes: number; bytes: number; oldest_finished_at_wall: string | null };
  quarantine: number;
  shipped_kept: number;
  free_bytes: number;
  min_free_bytes: number;
  /** Null while no shipper has ever saved it. */
  saved: SavedState | null;
  /** Of the shipper that runs now; null while all is well. */
  trouble: { kind: string; code: string; detail: string | null; cure: string; since_wall: string | null } | null;
  /** At the present rate; before compression, so at most. Null when it cannot be told. */
  eta_s: number | null;
}

export async function readStatus(layout: DataLayout, minFreeBytes: number): Promise<QueueStatus> {
  const life = await shipperLife(layout.root);
  const saved = await readState(layout.stateFile);
  const waiting = await lookAtQueue(layout);
  const trouble = life.kind === 'stopped' ? null : troubleOf(saved);
  const rate = saved?.sent_bytes_per_s ?? 0;
  const isMoving = life.kind !== 'stopped' && trouble === null && rate > 0;
  return {
    shipper: life.kind,
    pid: life.kind === 'runs' ? life.pid : null,
    waiting,
    quarantine: (await directoryNames(layout.quarantine)).length,
    shipped_kept: (await directoryNames(layout.shipped)).length,
    free_bytes: await freeBytesOf(layout.root),
    min_free_bytes: minFreeBytes,
    // The trouble of a shipper that has ended is over.
    saved: saved && { ...saved, trouble: undefined },
    trouble,
    eta_s: isMoving && waiting.episodes > 0 ? Math.ceil(waiting.bytes / rate) : null,
  };
}

function troubleOf(saved: SavedState | null): QueueStatus['trouble'] {
  if (!saved?.trouble) return null;
  const { kind, code, detail, cure, since_wall } = saved.trouble;
  return { kind, code, detail: detail ?? null, cure: cure ?? cureForHold(code), since_wall: since_wall ?? null };
}

async function readState(path: string): Promise<SavedState | null> {
  return stateSchema.safeParse(parseJson((await readIfThere(path)) ?? '')).data ?? null;
}

async function lookAtQueue(layout: DataLayout): Promise<QueueStatus['waiting']> {
  const looked = await mapPooled(await directoryNames(layout.episodes), async (name) => {
    const directory = join(layout.episodes, name);
    try {
      return { finishedAtMs: (await stat(directory)).mtimeMs, bytes: await directoryBytes(directory) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
  const there = looked.filter((episode) => episode !== undefined);
  const oldestMs = there.reduce((oldest, { finishedAtMs }) => Math.min(oldest, finishedAtMs), Number.POSITIVE_INFINITY);
  const wallOf = (ms: number) => formatWallTime(Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)));
  return {
    episodes: there.length,
    bytes: there.reduce((sum, { bytes }) => sum + bytes, 0),
    oldest_finished_at_wall: there.length === 0 ? null : wallOf(oldestMs),
  };
}
