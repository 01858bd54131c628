// What one check of the doctor is, and what it says.

import type { CheckIdOf } from '../../protocol/doctor-checks.ts';
import type { CheckStatus } from '../../protocol/doctor-report.ts';
import type { DoctorContext } from './doctor-context.ts';

export type LabHostCheckId = CheckIdOf<'lab-host'>;

export interface CheckResult {
  status: CheckStatus;
  /** One line. */
  summary: string;
  /** Shell commands, a line each, with this host's own paths and names; null when there is nothing to cure. */
  cure: string | null;
}

export interface Check<Id extends LabHostCheckId = LabHostCheckId> {
  id: Id;
  /** After it the check is `unknown`, whatever it is still doing. */
  timeoutMs: number;
  /** Reads only. What it throws makes it `unknown`. */
  run(context: DoctorContext): Promise<CheckResult>;
}

export function green(summary: string): CheckResult {
  return { status: 'green', summary, cure: null };
}

export function yellow(summary: string, ...cure: string[]): CheckResult {
  return { status: 'yellow', summary, cure: asText(cure) };
}

export function red(summary: string, ...cure: string[]): CheckResult {
  return { status: 'red', summary, cure: asText(cure) };
}

/** It cannot be told; never green. */
export function unknown(summary: string, ...cure: string[]): CheckResult {
  return { status: 'unknown', summary, cure: asText(cure) };
}

function asText(commands: readonly string[]): string | null {
  return commands.length === 0 ? null : [...new Set(commands)].join('\n');
}
