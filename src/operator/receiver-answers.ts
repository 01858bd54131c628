// What the views read of the receiver's answers. It may be older or newer than this program: what is missing or of another form is
// not shown, and only an answer that is none at all is refused. All text that is shown is made inert where it is shown.

import { z } from 'zod';

const text = z.string().nullish().catch(null);
const count = z.number().nullish().catch(null);
const decided = z.object({ at: text, by: text, reason: text }).nullish().catch(null);

const openAlertSchema = z.object({
  id: z.string().catch(''),
  symptom: z.string(),
  severity: text,
  since: text,
  detail: text,
  suggested_fix: text,
  suppressed: text,
  silenced: text,
  acknowledged: decided,
});
export type OpenAlert = z.infer<typeof openAlertSchema>;

const alertSchema = openAlertSchema.extend({ host: z.string(), state: text, last_at: text, resolved_at: text });
export type Alert = z.infer<typeof alertSchema>;
export const alertsSchema = z.object({ alerts: z.array(alertSchema) });

export const acknowledgedSchema = z.object({ id: z.string() });

export const silenceSchema = z.object({
  id: z.string(),
  host: text,
  symptom: text,
  reason: text,
  by: text,
  expires_at: text,
  active: z.boolean().nullish().catch(null),
});
export type Silence = z.infer<typeof silenceSchema>;
export const silencesSchema = z.object({ silences: z.array(silenceSchema) });

const heartbeatSchema = z.object({
  received_at_wall: text,
  sent_at_wall: text,
  machine: text,
  boot_id: text,
  version: z
    .object({ commit: text, dirty: z.boolean().nullish().catch(null) })
    .nullish()
    .catch(null),
  backlog: z.object({ episodes: count, bytes: count, oldest_s: count }).nullish().catch(null),
  held: z.object({ count, code: text }).nullish().catch(null),
  quarantine: z
    .object({
      episodes: count,
      recent: z.object({ episodes: count, without_asking: count, code: text }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  recording: z
    .object({
      last_episode: z.object({ episode_id: text, finished_at_wall: text }).nullish().catch(null),
      workloads: z.array(z.string()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
  free_bytes: count,
  update: z.object({ source: text, result: text, at_wall: text, target: text, detail: text }).nullish().catch(null),
});
export type SeenHeartbeat = z.infer<typeof heartbeatSchema>;

const doctorSchema = z.object({
  status: text,
  received_at_wall: text,
  /** Meaning and cure are the receiver's own words, never the report's. */
  red: z
    .array(z.object({ id: z.string(), meaning: text, cure: text }))
    .nullish()
    .catch(null),
  /** What the host itself says; of one host alone. */
  checks: z
    .array(z.object({ id: z.string(), status: text, summary: text }))
    .nullish()
    .catch(null),
});

export const fleetHostSchema = z.object({
  host_id: z.string(),
  state: text,
  expected: z.boolean().nullish().catch(null),
  retired: decided,
  alerts: z.array(openAlertSchema).nullish().catch(null),
  last_seen_at: text,
  last_stored_at: text,
  episodes: count,
  bytes: count,
  episodes_24h: count,
  bytes_24h: count,
  window_min: count,
  outcomes: z.record(z.string(), z.number()).nullish().catch(null),
  commit: text,
  head_distance: count,
  heartbeat: heartbeatSchema.nullish().catch(null),
  doctor: doctorSchema.nullish().catch(null),
});
export type FleetHost = z.infer<typeof fleetHostSchema>;

export const fleetSchema = z.object({
  generated_at: text,
  head: text,
  /** When the monitor last looked; null when it never did. Undefined: the receiver does not say. */
  monitor_ran_at: z.string().nullish().catch(undefined),
  /** What fires for the fleet as a whole. */
  verdict: z
    .object({ alerts: z.array(openAlertSchema).nullish().catch(null) })
    .nullish()
    .catch(null),
  hosts: z.array(fleetHostSchema),
});
export type Fleet = z.infer<typeof fleetSchema>;
