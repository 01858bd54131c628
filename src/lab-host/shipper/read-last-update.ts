// What the last update of this installation came to, for the heartbeat: the updater writes it down beside the data directory.

import { z } from 'zod';
import { parseJson } from '../../lib/parse-json.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import type { UpdateInHeartbeat } from '../../protocol/heartbeat.ts';
import { updateStatePath, updateStateSchema } from '../../protocol/update-state.ts';

// A heartbeat is at most 16 KiB.
const LONGEST_DETAIL = 500;
const LONGEST_NAME = 128;

const sourceSchema = z.looseObject({ source: z.string().nullish().catch(null) });

/** Null when nothing has been written down, or nothing that can be understood. */
export async function readLastUpdate(dataDirectory: string): Promise<UpdateInHeartbeat | null> {
  const value = parseJson((await readIfThere(updateStatePath(dataDirectory)).catch(() => undefined)) ?? '');
  const source = sourceSchema.safeParse(value).data?.source;
  const last = updateStateSchema.safeParse(value).data?.last;
  const sourceOfLast = sourceSchema.safeParse(last).data?.source;
  if (!last && !source) return null;
  return {
    source: cut(source ?? sourceOfLast, LONGEST_NAME),
    result: last?.result ?? null,
    commit: cut(last?.commit, LONGEST_NAME),
    target: cut(last?.target, LONGEST_NAME),
    at_wall: cut(last?.at_wall, LONGEST_NAME),
    detail: cut(last?.detail, LONGEST_DETAIL),
    failures: last?.failures ?? null,
  };
}

function cut(text: string | null | undefined, longest: number): string | null {
  return text?.slice(0, longest) ?? null;
}
