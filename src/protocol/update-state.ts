// update-state.json, beside data_dir: what the last update of this installation came to. Written by the updater, read by whoever tells of it.

import { dirname, join } from 'node:path';
import { z } from 'zod';

const text = z.string().nullish().catch(undefined);

/** Only the result is needed: a file of another version must still be understood. */
export const updateStateSchema = z.looseObject({
  last: z
    .looseObject({
      result: z.enum(['current', 'updated', 'failed', 'rolled-back']),
      at_wall: text,
      /** What ran before. */
      commit: text,
      /** What it was to be updated to. */
      target: text,
      detail: text,
    })
    .nullish(),
});

export function updateStatePath(dataDirectory: string): string {
  return join(dirname(dataDirectory), 'update-state.json');
}
