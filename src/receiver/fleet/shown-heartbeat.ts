// What is kept of a heartbeat in memory and shown of it: the fields that are known, each bounded, whatever else its host has sent.

import { z } from 'zod';

const LONGEST_TEXT = 200;
const MOST_WORKLOADS = 32;

const text = z
  .string()
  .transform((whole) => whole.slice(0, LONGEST_TEXT))
  .nullish()
  .catch(undefined);
const number = z.number().nullish().catch(undefined);
const flag = z.boolean().nullish().catch(undefined);

/** What is not of the known form is not said. */
function group<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape).nullish().catch(undefined);
}

const workloads = z.preprocess(
  (all) => (Array.isArray(all) ? all.slice(0, MOST_WORKLOADS) : undefined),
  z
    .array(z.string().transform((name) => name.slice(0, LONGEST_TEXT)))
    .optional()
    .catch(undefined),
);

const shownSchema = z.object({
  host_id: text,
  sent_at_wall: text,
  machine: text,
  boot_id: text,
  version: group({ commit: text, dirty: flag }),
  backlog: group({ episodes: number, bytes: number, oldest_s: number }),
  held: group({ count: number, code: text }),
  quarantine: group({ episodes: number, recent: group({ episodes: number, without_asking: number, code: text }) }),
  recording: group({ last_episode: group({ episode_id: text, finished_at_wall: text }), workloads }),
  free_bytes: number,
  update: group({
    source: text,
    result: text,
    commit: text,
    target: text,
    at_wall: text,
    detail: text,
    failures: number,
  }),
});

export function shownOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  // Written and read once more: a cut string would keep all of the one that it was cut from.
  return JSON.parse(JSON.stringify(shownSchema.parse(body)));
}
