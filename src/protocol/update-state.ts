// update-state.json, beside data_dir: what the last update of this installation came to, and what is on trial. Written by the updater and
// by the guard (a shell script), read by whoever tells of it.

import { dirname, join } from 'node:path';
import { z } from 'zod';

const text = z.string().nullish().catch(undefined);
const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

/** Only what a reader cannot do without is required: a file of another version must still be understood. */
export const updateStateSchema = z.looseObject({
  /** A release that runs and is not confirmed. The guard reads and counts it, by the fixed form of `formatUpdateState`. */
  pending: z
    .looseObject({
      from: commit,
      to: commit,
      boots: z.int().nonnegative(),
      ticks: z.int().nonnegative(),
      max_ticks: z.int().positive(),
    })
    .nullish(),
  /** Of what is pending, for whoever goes on with it; the guard leaves it as it is. */
  trial: z
    .looseObject({
      release_number: z.int().nonnegative().nullish().catch(undefined),
      source: text,
      /** The units that ran before, and so must run now. */
      units: z.array(z.string()).nullish().catch(undefined),
      /** Why it is being taken back: from here on there is no way but to finish that. */
      back: text,
      /** Taken back for what is no fault of the release. */
      blameless: z.boolean().nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  /** What the guard took back, until the updater has told of it. */
  flipped: z.looseObject({ from: commit, to: commit, why: z.string() }).nullish(),
  last: z
    .looseObject({
      result: z.enum(['current', 'updated', 'failed', 'rolled-back']),
      at_wall: text,
      /** `receiver` or `git`. */
      source: text,
      /** What ran before. */
      commit: text,
      /** What it was to be updated to. */
      target: text,
      detail: text,
      /** How many runs in a row have failed, this one included. */
      failures: z.int().nonnegative().nullish().catch(undefined),
    })
    .nullish(),
  /** Nothing below it is installed any more. */
  highest_release_number: z.int().nonnegative().nullish().catch(undefined),
  /** The one release that may have that number. */
  highest_release_commit: commit.nullish().catch(undefined),
  /** What was tried and was bad, and when it may be tried again. */
  bad: z
    .array(
      z.looseObject({
        commit,
        release_number: z.int().nonnegative().nullish(),
        tries: z.int().positive(),
        not_before_wall: z.string(),
      }),
    )
    .nullish()
    .catch(undefined),
});

export type UpdateState = z.output<typeof updateStateSchema>;

export function updateStatePath(dataDirectory: string): string {
  return join(dirname(dataDirectory), 'update-state.json');
}

/** One key a line, `pending` on one line in the order that the guard expects. */
export function formatUpdateState(state: UpdateState): string {
  const { pending, ...rest } = state;
  const ordered = pending && {
    from: pending.from,
    to: pending.to,
    boots: pending.boots,
    ticks: pending.ticks,
    max_ticks: pending.max_ticks,
  };
  const lines = Object.entries({ pending: ordered ?? null, ...rest }).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value ?? null)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}
