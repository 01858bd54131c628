// What `cis490 doctor --json` writes and `PUT /v1/host-health` carries. A reader on the receiver's side trusts nothing in it but its form.

import { z } from 'zod';
import { cutShort, inertLine, inertLines } from '../lib/inert-text.ts';
import { CHECK_STATUSES, type CheckResult, type CheckStatus } from '../lib/self-check/check-result.ts';

/** Raised when a field changes its meaning or goes; new fields and checks are no reason. */
export const DOCTOR_SCHEMA_VERSION = 1;

const checkSchema = z.looseObject({
  /** Stable, kebab-case: one of `DOCTOR_CHECKS`, or of a later version's. */
  id: z.string(),
  status: z.enum(CHECK_STATUSES),
  /** One line. */
  summary: z.string(),
  /** Shell commands, joined by newlines; null when there is nothing to cure. */
  cure: z.string().nullish(),
  duration_ms: z.number().nonnegative().optional(),
});
export type DoctorCheck = z.infer<typeof checkSchema>;

export const doctorReportSchema = z.looseObject({
  schema_version: z.int().positive(),
  role: z.enum(['lab-host', 'receiver']),
  host_id: z.string().nullable(),
  status: z.enum(CHECK_STATUSES),
  generated_at_wall: z.string(),
  /** The commit of the code that looked; null when it is not stamped. */
  commit: z.string().nullable(),
  checks: z.array(checkSchema),
});
export type DoctorReport = z.infer<typeof doctorReportSchema>;

// A summary is read at a glance, and a report is at most 1 MiB.
const LONGEST_SUMMARY = 600;
const LONGEST_CURE = 4_000;

/** As it stands in the report: whatever came from outside can drive no terminal. */
export function inCheckForm(id: string, { status, summary, cure }: CheckResult, durationMs = 0): DoctorCheck {
  return {
    id,
    status,
    summary: cutShort(inertLine(summary), LONGEST_SUMMARY),
    cure: cure === null ? null : cutShort(inertLines(cure).join('\n'), LONGEST_CURE),
    duration_ms: Math.round(durationMs),
  };
}

/** Red when one is red; else yellow when one is yellow or could not be told; green when all are. */
export function overallStatus(checks: readonly { status: CheckStatus }[]): CheckStatus {
  if (checks.length === 0) return 'unknown';
  if (checks.some(({ status }) => status === 'red')) return 'red';
  return checks.every(({ status }) => status === 'green') ? 'green' : 'yellow';
}
