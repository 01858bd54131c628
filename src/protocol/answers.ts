// Success answers of the contract: the handlers' types and the OpenAPI document are both made from these.

import { z } from 'zod';
import { ledgerRowSchema, tombstoneSchema } from './ledger-row.ts';

const wallTime = z
  .string()
  .meta({ description: 'UTC, ISO 8601 with microseconds', example: '2026-05-01T06:37:53.830599+00:00' });
const commit = z.string().meta({ description: 'A full git commit, 40 or 64 hex digits' });

/** The 201 and the 200 of an episode PUT. */
export const storedAnswerSchema = z
  .object({
    status: z.enum(['stored', 'duplicate']),
    host_id: z.string(),
    episode_id: z.string(),
    sha256: z.string(),
    bytes: z.int().nonnegative(),
    received_at_wall: wallTime,
    seq: z.int().positive(),
  })
  .meta({ id: 'Stored' });
export type StoredAnswer = z.infer<typeof storedAnswerSchema>;

export const pingAnswerSchema = z
  .object({
    ok: z.literal(true),
    host_id: z.string().nullable().meta({ description: 'The host that the credential is bound to' }),
    server_time: wallTime,
    version: z.string().nullable().meta({ description: 'The commit that the receiver runs' }),
    gate: z.object({ enabled: z.boolean(), head: commit.nullable() }),
  })
  .meta({ id: 'Ping' });
export type PingAnswer = z.infer<typeof pingAnswerSchema>;

export const indexRowSchema = ledgerRowSchema.required({ seq: true }).meta({ id: 'IndexRow' });
export const indexTombstoneSchema = tombstoneSchema.required({ seq: true }).meta({ id: 'Tombstone' });

export const episodesAnswerSchema = z
  .object({
    episodes: z.array(indexRowSchema),
    next_cursor: z.string().nullable().meta({
      description:
        'Send it as cursor for the next page; null at the end. A page may hold fewer episodes than asked for, even none.',
    }),
  })
  .meta({ id: 'Episodes' });

export const gateStatusSchema = z
  .object({
    enabled: z.boolean(),
    head: commit.nullable(),
    window: z.int().positive().nullable(),
    source: z.string().nullable().meta({ description: 'forgejo, git-fallback, git, static or last-known-good' }),
    refreshed_at: wallTime.nullable(),
    last_error: z.string().nullable(),
    allowed: z.array(z.object({ commit, until: wallTime, why: z.string(), by: z.string() })),
    blocked: z.array(z.object({ commit, why: z.string(), by: z.string() })),
  })
  .meta({ id: 'GateStatus' });

export const gateVerdictSchema = z
  .object({
    verdict: z.enum(['accepted', 'refused', 'unknown']),
    your_commit: z.string().nullable(),
    code: z.string().optional().meta({ description: 'What a PUT would be refused with' }),
    source: z.string().optional().meta({ description: 'What the acceptance rests on' }),
    head_commit: commit.nullable(),
    head_distance: z.int().nonnegative().optional(),
    remediation: z.string().optional(),
  })
  .meta({ id: 'GateVerdict' });
export type GateVerdictAnswer = z.infer<typeof gateVerdictSchema>;

export const hostHealthStoredSchema = z
  .object({ host_id: z.string(), received_at_wall: wallTime })
  .meta({ id: 'HostHealthStored' });
export const hostHealthSchema = z
  .object({ received_at_wall: wallTime, report: z.looseObject({}) })
  .meta({ id: 'HostHealth' });
export const hostHealthListSchema = z
  .object({ hosts: z.record(z.string(), hostHealthSchema) })
  .meta({ id: 'HostHealthList' });

export const fleetHostSchema = z
  .object({
    host_id: z.string(),
    expected: z.boolean(),
    last_seen_at: wallTime.nullable().meta({ description: 'When it last stored, sent a heartbeat or a doctor report' }),
    last_stored_at: wallTime.nullable(),
    episodes: z.int(),
    bytes: z.int(),
    episodes_24h: z.int().meta({
      description:
        'Stored in the last 24 hours, to the quarter of an hour; retracted ones count as they do in episodes',
    }),
    bytes_24h: z.int(),
    window_min: z.int(),
    outcomes: z
      .record(z.string(), z.int())
      .meta({ description: 'Attempts in the last window_min minutes by their outcome' }),
    commit: z.string().nullable().meta({ description: 'Of its last stored episode' }),
    head_distance: z
      .int()
      .nullable()
      .meta({ description: 'How many commits the head is ahead of it; null when it is not known' }),
    heartbeat: z.looseObject({ received_at_wall: wallTime }).nullable(),
    doctor: z.object({ status: z.enum(['green', 'yellow', 'red', 'unknown']), received_at_wall: wallTime }).nullable(),
  })
  .meta({ id: 'FleetHost' });
export type FleetHost = z.infer<typeof fleetHostSchema>;
export const fleetSchema = z
  .object({ generated_at: wallTime, head: commit.nullable(), hosts: z.array(fleetHostSchema) })
  .meta({ id: 'Fleet' });

export const readySchema = z.object({ ready: z.literal(true) }).meta({ id: 'Ready' });
export const healthSchema = z.object({ ok: z.literal(true) }).meta({ id: 'Alive' });
