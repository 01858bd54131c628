// What a heartbeat says, read leniently: its body is any JSON of a host, and what is not of the known form is not said.

import { z } from 'zod';
import type { Heartbeat } from '../storage/host-state.ts';
import type { Observed } from './observed.ts';
import { parseTimeMs } from './parse-time.ts';

// Words of a host go into alerts: only those that could be codes of ours.
const code = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
  .optional()
  .catch(undefined);
const count = z.number().nonnegative().optional().catch(undefined);
const commit = z
  .string()
  .regex(/^[0-9a-f]{7,64}$/)
  .optional()
  .catch(undefined);
const time = z.unknown().optional().transform(parseTimeMs);

const bodySchema = z.object({
  sent_at_wall: time,
  version: z.object({ commit }).optional().catch(undefined),
  backlog: z.object({ episodes: count, oldest_s: count }).optional().catch(undefined),
  held: z
    .object({ count, code })
    .optional()
    .catch(undefined)
    // Another's shipper may say it with a count of none.
    .transform((held) => (held?.count === 0 ? undefined : held)),
  quarantine: z
    .object({
      episodes: count,
      recent: z.object({ without_asking: count, code }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  update: z
    .object({ source: code, result: code, commit, target: commit, at_wall: time, failures: count })
    .optional()
    .catch(undefined),
});

export type HeartbeatFacts = z.infer<typeof bodySchema> & {
  /** How long ago it came; below zero when it lies ahead of the clock. */
  ageS: number;
  /** An older one no longer says how its host is now. */
  isFresh: boolean;
};

/** Of what was read, as much as it takes. */
type HeartbeatContext = Pick<Observed, 'heartbeats' | 'nowMs' | 'thresholds'>;

export function readHeartbeat(
  { receivedAtWall, body }: Heartbeat,
  observed: Omit<HeartbeatContext, 'heartbeats'>,
): HeartbeatFacts {
  const receivedAtMs = parseTimeMs(receivedAtWall) ?? Number.NEGATIVE_INFINITY;
  const ageS = (observed.nowMs - receivedAtMs) / 1000;
  // A clock that was set back leaves heartbeats ahead of it: those of a little are still news.
  const isFresh = Math.abs(ageS) <= observed.thresholds.heartbeat_fresh_s;
  return { ...(bodySchema.safeParse(body).data ?? bodySchema.parse({})), ageS, isFresh };
}

/** The last one that came; undefined when none is known. */
export function lastHeartbeatOf(observed: HeartbeatContext, hostId: string): HeartbeatFacts | undefined {
  const last = observed.heartbeats?.get(hostId)?.at(-1);
  return last && readHeartbeat(last, observed);
}

export function isHeard(observed: HeartbeatContext, hostId: string): boolean {
  return lastHeartbeatOf(observed, hostId)?.isFresh ?? false;
}

/** The last ones of all hosts, where they say how the host is now. */
export function freshHeartbeats(observed: HeartbeatContext): Array<HeartbeatFacts & { host: string }> {
  return [...(observed.heartbeats?.keys() ?? [])].flatMap((host) => {
    const facts = lastHeartbeatOf(observed, host);
    return facts?.isFresh ? [{ ...facts, host }] : [];
  });
}
