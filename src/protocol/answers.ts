// Success answers of the contract: the handlers' types and the OpenAPI document are both made from these.

import { z } from 'zod';
import { CHECK_STATUSES } from '../lib/self-check/check-result.ts';
import { SEVERITIES, SYMPTOM_NAMES } from './alert.ts';
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
    expires_at: wallTime.nullable().meta({
      description: 'When the token ends; null for one that never does, and for a certificate',
    }),
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

export const ALERT_STATES = ['firing', 'resolved'] as const;

const decidedSchema = z.object({ at: wallTime, by: z.string(), reason: z.string() });

const alertSchema = z
  .object({
    id: z.string(),
    host: z.string().meta({ description: '* for the fleet as a whole' }),
    symptom: z.enum(SYMPTOM_NAMES),
    severity: z.enum(SEVERITIES),
    state: z.enum(ALERT_STATES),
    since: wallTime,
    last_at: wallTime.meta({ description: 'The last run of the monitor that found it' }),
    resolved_at: wallTime.nullable(),
    detail: z.string(),
    suggested_fix: z.string().meta({ description: 'The command that cures it, and where it is to be run' }),
    suppressed: z
      .enum(SYMPTOM_NAMES)
      .nullable()
      .meta({ description: 'The symptom of the whole fleet that explains it: nobody is told of this one' }),
    silenced: z.string().nullable().meta({ description: 'The id of the silence that holds for it now' }),
    acknowledged: decidedSchema.nullable(),
  })
  .meta({ id: 'Alert' });
export type AlertAnswer = z.infer<typeof alertSchema>;
export const alertsSchema = z.object({ alerts: z.array(alertSchema) }).meta({ id: 'Alerts' });

/** Of a host that fires: the host and the state go without saying. */
const openAlertSchema = alertSchema
  .omit({ host: true, state: true, resolved_at: true, last_at: true })
  .meta({ id: 'OpenAlert' });
export type OpenAlert = z.infer<typeof openAlertSchema>;

export const acknowledgedSchema = z
  .object({ id: z.string(), acknowledged: decidedSchema })
  .meta({ id: 'Acknowledged' });

export const silenceSchema = z
  .object({
    id: z.string(),
    host: z.string().nullable().meta({ description: 'null: every host; *: the fleet as a whole' }),
    symptom: z.enum(SYMPTOM_NAMES).nullable().meta({ description: 'null: every symptom' }),
    reason: z.string(),
    by: z.string(),
    created_at: wallTime,
    expires_at: wallTime,
    active: z.boolean(),
  })
  .meta({ id: 'Silence' });
export type SilenceAnswer = z.infer<typeof silenceSchema>;
export const silencesSchema = z.object({ silences: z.array(silenceSchema) }).meta({ id: 'Silences' });

export const retiredHostSchema = decidedSchema.extend({ host_id: z.string() }).meta({ id: 'RetiredHost' });

/** The first that holds. */
export const HOST_STATES = {
  retired: 'it is gone for good, by the maintainer’s word',
  refused: 'it runs, and what it ships is refused',
  silent: 'it has stored episodes, and stores no more',
  'never-seen': 'it has never stored an episode',
  sick: 'it stores, and something else is wrong with it',
  ok: 'nothing is known against it',
} as const;
export type HostState = keyof typeof HOST_STATES;
const HOST_STATE_NAMES = Object.keys(HOST_STATES) as [HostState, ...HostState[]];

const redCheckSchema = z.object({
  id: z.string(),
  meaning: z.string(),
  cure: z.string().meta({ description: 'Shell commands for that host, joined by newlines; never the report’s own' }),
});
const doctorSchema = z.object({
  status: z.enum(CHECK_STATUSES),
  received_at_wall: wallTime,
  red: z.array(redCheckSchema),
});

const fleetHostSchema = z
  .object({
    host_id: z.string(),
    state: z.enum(HOST_STATE_NAMES).meta({
      description: Object.entries(HOST_STATES)
        .map(([state, meaning]) => `${state}: ${meaning}`)
        .join('; '),
    }),
    expected: z.boolean(),
    retired: decidedSchema.nullable(),
    alerts: z.array(openAlertSchema).meta({ description: 'Those that fire' }),
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
    doctor: doctorSchema.nullable(),
  })
  .meta({ id: 'FleetHost' });
export type FleetHost = z.infer<typeof fleetHostSchema>;

/** The report as its host wrote it, as inert text: control characters are stripped, and cures are left out. */
const reportedChecksSchema = z.array(z.object({ id: z.string(), status: z.enum(CHECK_STATUSES), summary: z.string() }));
export type ReportedChecks = z.infer<typeof reportedChecksSchema>;
export const fleetHostInFullSchema = fleetHostSchema
  .extend({ doctor: doctorSchema.extend({ checks: reportedChecksSchema }).nullable() })
  .meta({ id: 'FleetHostInFull' });

export const fleetSchema = z
  .object({
    generated_at: wallTime,
    head: commit.nullable(),
    monitor_ran_at: wallTime.nullable().meta({
      description: 'When the monitor last looked: alerts are as of then; null when it never ran',
    }),
    verdict: z.object({
      states: z.record(z.enum(HOST_STATE_NAMES), z.int()).meta({ description: 'How many hosts are in each state' }),
      alerts: z.array(openAlertSchema).meta({ description: 'Those that fire for the fleet as a whole' }),
    }),
    hosts: z.array(fleetHostSchema),
  })
  .meta({ id: 'Fleet' });
export type FleetVerdict = z.infer<typeof fleetSchema>['verdict'];

export const readySchema = z.object({ ready: z.literal(true) }).meta({ id: 'Ready' });
export const healthSchema = z.object({ ok: z.literal(true) }).meta({ id: 'Alive' });
