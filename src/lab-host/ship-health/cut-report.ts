// A doctor report that the receiver takes: as it is, or, where it is too large, what matters most of it, and how much was left out.

import type { CheckStatus } from '../../lib/self-check/check-result.ts';
import type { DoctorCheck, DoctorReport } from '../../protocol/doctor-report.ts';

export const MOST_REPORT_BYTES = 1024 * 1024;
const LONGEST_SUMMARY = 200;
const LONGEST_CURE = 500;
const LONGEST_NAME = 128;
// Around the checks, and for what is said of those that are left out.
const ROOM_AROUND_BYTES = 4 * 1024;

const GRAVEST_FIRST: readonly CheckStatus[] = ['red', 'unknown', 'yellow', 'green'];

/** `mostBytes`: of the report as JSON in UTF-8. */
export function cutReport(report: DoctorReport, mostBytes = MOST_REPORT_BYTES): DoctorReport {
  if (sizeOf(report) <= mostBytes) return report;
  const kept = new Set<DoctorCheck>();
  const short = new Map(report.checks.map((check) => [check, shorten(check)]));
  let leftBytes = mostBytes - ROOM_AROUND_BYTES;
  for (const status of GRAVEST_FIRST) {
    for (const [check, cut] of short) {
      // With the comma between two.
      const bytes = sizeOf(cut) + 1;
      if (check.status !== status || bytes > leftBytes) continue;
      leftBytes -= bytes;
      kept.add(check);
    }
  }
  return {
    schema_version: report.schema_version,
    role: report.role,
    host_id: report.host_id,
    status: report.status,
    generated_at_wall: report.generated_at_wall.slice(0, LONGEST_NAME),
    commit: report.commit?.slice(0, LONGEST_NAME) ?? null,
    checks: [...short].flatMap(([check, cut]) => (kept.has(check) ? [cut] : [])),
    checks_left_out: report.checks.length - kept.size,
  };
}

function shorten({ id, status, summary, cure, duration_ms }: DoctorCheck): DoctorCheck {
  return {
    id: id.slice(0, LONGEST_NAME),
    status,
    summary: summary.slice(0, LONGEST_SUMMARY),
    cure: cure?.slice(0, LONGEST_CURE) ?? null,
    ...(duration_ms !== undefined && { duration_ms }),
  };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
