// What the views take from a doctor report: its one word, and which of the checks known here are red. Their meanings and cures come from
// our own table, because a report is its host's word; what else it says is shown as inert text alone.

import { z } from 'zod';
import { cutShort, inertLine } from '../../lib/inert-text.ts';
import { CHECK_STATUSES, type CheckStatus } from '../../lib/self-check/check-result.ts';
import type { FleetHost, ReportedChecks } from '../../protocol/answers.ts';
import { type CheckId, DOCTOR_CHECKS, isHostCheckId } from '../../protocol/doctor-checks.ts';

const MOST_CHECKS = 100;
const LONGEST_ID = 64;
const LONGEST_SUMMARY = 600;

const checkSchema = z
  .object({ id: z.string(), status: z.enum(CHECK_STATUSES), summary: z.string().catch('') })
  .nullable()
  .catch(null);
const reportSchema = z.object({
  status: z.enum(CHECK_STATUSES).catch('unknown'),
  // Cut first: a thousand times as many malformed ones would keep the receiver from answering for seconds.
  checks: z.preprocess((all) => (Array.isArray(all) ? all.slice(0, MOST_CHECKS) : []), z.array(checkSchema)),
});

export interface DoctorVerdict {
  /** `unknown` for a report that says it otherwise: never green for want of a word. */
  status: CheckStatus;
  redChecks: readonly CheckId[];
}

export function doctorVerdictOf(content: Uint8Array): DoctorVerdict {
  const { status, checks } = readReport(content);
  const red = checks.flatMap((check) => (check?.status === 'red' && isHostCheckId(check.id) ? [check.id] : []));
  return { status, redChecks: [...new Set(red)] };
}

/** As the host wrote them, of any version. */
export function reportedChecksOf(content: Uint8Array): ReportedChecks {
  return readReport(content)
    .checks.filter((check) => check !== null)
    .map(({ id, status, summary }) => ({
      id: cutShort(inertLine(id), LONGEST_ID),
      status,
      summary: cutShort(inertLine(summary), LONGEST_SUMMARY),
    }));
}

export function describeRed(redChecks: readonly CheckId[], hostId: string): NonNullable<FleetHost['doctor']>['red'] {
  return redChecks.map((id) => {
    const { meaning, cure } = DOCTOR_CHECKS[id];
    return { id, meaning, cure: cure.replace(/\bHOST\b/g, hostId) };
  });
}

function readReport(content: Uint8Array): z.infer<typeof reportSchema> {
  try {
    return reportSchema.parse(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    return { status: 'unknown', checks: [] };
  }
}
