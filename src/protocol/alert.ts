// One line of alerts.jsonl, and the symptoms that the monitor knows.

import { createHash } from 'node:crypto';
import { z } from 'zod';

export const SEVERITIES = ['critical', 'warning'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is detected, and how grave it is: critical where data is not being collected, or may be mixed up. */
export const SYMPTOMS = {
  'receiver-down': 'critical',
  'fleet-silent': 'critical',
  silent: 'critical',
  'fatal-only': 'critical',
  unstamped: 'warning',
  refused: 'critical',
  'never-seen': 'warning',
  'stale-code': 'warning',
  backlog: 'warning',
  unhealthy: 'warning',
  'clock-skew': 'warning',
  'duplicate-identity': 'critical',
  'update-failed': 'warning',
} as const satisfies Record<string, Severity>;
export type Symptom = keyof typeof SYMPTOMS;
export const SYMPTOM_NAMES = Object.keys(SYMPTOMS) as [Symptom, ...Symptom[]];

/** The host of what is so for the fleet as a whole. */
export const WHOLE_FLEET = '*';

export const alertRowSchema = z.looseObject({
  host: z.string(),
  symptom: z.string(),
  detail: z.string(),
  suggested_fix: z.string(),
  detected_at_wall: z.string(),
  dedup_key: z.string(),
  /** Absent in rows of the older system. */
  severity: z.string().optional(),
});

/** As this version writes it. */
export interface AlertRow {
  host: string;
  symptom: Symptom;
  detail: string;
  suggested_fix: string;
  detected_at_wall: string;
  dedup_key: string;
  severity: Severity;
}

/** First 16 hex digits of SHA-256 of `host|symptom|YYYY-MM-DDTHH`, the UTC hour of `detectedAtWall` (a wall time as clock.ts writes it). */
export function dedupKeyOf(host: string, symptom: string, detectedAtWall: string): string {
  return createHash('sha256')
    .update(`${host}|${symptom}|${detectedAtWall.slice(0, 13)}`)
    .digest('hex')
    .slice(0, 16);
}
