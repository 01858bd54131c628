// All checks at once, each within its own limit. One that throws, or does not end in time, is unknown and says why: never green.

import { errnoOf, messageOf } from '../../lib/app-error.ts';
import type { DoctorCheck } from '../../protocol/doctor-report.ts';
import { type Check, type CheckResult, type LabHostCheckId, unknown } from './check.ts';
import type { DoctorContext } from './doctor-context.ts';
import { inertLine, inertLines } from './inert-text.ts';

// A summary is read at a glance, and a report is at most 1 MiB.
const LONGEST_SUMMARY = 600;
const LONGEST_CURE = 4_000;

/** In the order of `checks`. */
export async function runChecks(checks: readonly Check[], context: DoctorContext): Promise<DoctorCheck[]> {
  return await Promise.all(checks.map((check) => runOne(check, context)));
}

/** As it stands in the report: whatever came from outside can drive no terminal. */
export function inCheckForm(id: LabHostCheckId, { status, summary, cure }: CheckResult, durationMs = 0): DoctorCheck {
  return {
    id,
    status,
    summary: cut(inertLine(summary), LONGEST_SUMMARY),
    cure: cure === null ? null : cut(inertLines(cure), LONGEST_CURE),
    duration_ms: Math.round(durationMs),
  };
}

async function runOne(check: Check, context: DoctorContext): Promise<DoctorCheck> {
  const { clock, cures } = context;
  const beganAtMs = clock.monotonicMs();
  const ended = new AbortController();
  const limit = clock.sleep(check.timeoutMs, ended.signal).then(() => tooLong(check));
  // So that a check that fails at once counts as one that fails.
  const run = Promise.try(() => check.run(context)).catch((error: unknown) => couldNotLook(error, cures.again));
  const result = await Promise.race([run, limit]);
  ended.abort();
  return inCheckForm(check.id, result, clock.monotonicMs() - beganAtMs);
}

function tooLong({ timeoutMs }: Check): CheckResult {
  return unknown(`not known: it did not end within ${timeoutMs / 1000} s`);
}

function couldNotLook(error: unknown, again: string): CheckResult {
  const isForbidden = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
  return unknown(`not known: ${messageOf(error)}`, ...(isForbidden ? [again] : []));
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
