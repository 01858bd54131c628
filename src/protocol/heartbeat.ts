// What each shipper says of itself every five minutes, whatever the state of its queue.

import { z } from 'zod';
import { hostIdSchema } from './ids.ts';
import type { updateStateSchema } from './update-state.ts';

export const HEARTBEAT_PATH = '/v1/heartbeat';
export const MAX_HEARTBEAT_BYTES = 16 * 1024;

const name = z.string().min(1).max(128);
const count = z.int().nonnegative();

/** Only what tells one machine's boot from another's is required: a shipper of another version must still be heard. */
export const heartbeatSchema = z
  .looseObject({
    host_id: hostIdSchema,
    sent_at_wall: z.string().max(64),
    machine: name.meta({ description: 'An application-specific hash of the machine id' }),
    boot_id: name,
    version: z.looseObject({ commit: z.string().nullish(), dirty: z.boolean().nullish() }).nullish(),
    backlog: z.looseObject({ episodes: count, bytes: count, oldest_s: z.number().nonnegative().nullish() }).nullish(),
    held: z.looseObject({ count, code: z.string().nullish() }).nullish(),
    quarantine: z.unknown().optional().meta({
      description:
        'episodes, and recent: within the last hour episodes, without_asking (the gate was asked, they were not sent) and code',
    }),
    recording: z.unknown().optional(),
    free_bytes: count.nullish(),
    update: z.looseObject({ source: z.string().nullish() }).nullish().meta({
      description:
        'The last update: source (`receiver` for release bundles, or `git`), result (current, updated, failed, rolled-back), commit, target, at_wall, detail, failures (in a row)',
    }),
  })
  .meta({ id: 'Heartbeat' });

/** What this version sends. */
export interface Heartbeat {
  host_id: string;
  sent_at_wall: string;
  /** An application-specific hash of the machine id; `hostname-…` where there is none. */
  machine: string;
  boot_id: string;
  version: { commit: string; dirty: boolean } | null;
  /** What waits to be shipped; `oldest_s` since the oldest of it was finished. */
  backlog: { episodes: number; bytes: number; oldest_s: number | null };
  held: { count: number; code: string } | null;
  quarantine: QuarantineInHeartbeat;
  recording: { last_episode: { episode_id: string; finished_at_wall: string } | null; workloads: string[] };
  free_bytes: number | null;
  update: UpdateInHeartbeat | null;
}

export interface QuarantineInHeartbeat {
  episodes: number;
  /** Within the last hour, as far as this shipper has run; `without_asking`: not sent, because the gate refuses all of their code. */
  recent: { episodes: number; without_asking: number; code: string | null } | null;
}

export interface UpdateInHeartbeat {
  /** `receiver` for release bundles, or `git`. */
  source: string | null;
  result: NonNullable<z.infer<typeof updateStateSchema>['last']>['result'] | null;
  /** What ran before, and what it was to be updated to. */
  commit: string | null;
  target: string | null;
  at_wall: string | null;
  detail: string | null;
  /** How many runs in a row have failed. */
  failures: number | null;
}
