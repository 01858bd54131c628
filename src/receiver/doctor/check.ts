// One look at the receiver, and what it can come to.

import type { TimedCheck } from '../../lib/run-checks.ts';
import type { CheckIdOf } from '../../protocol/doctor-checks.ts';
import type { CheckStatus } from '../../protocol/doctor-report.ts';
import type { ReceiverContext } from './receiver-context.ts';

export type ReceiverCheckId = CheckIdOf<'receiver'>;

export interface CheckResult {
  status: CheckStatus;
  /** One line. */
  summary: string;
  /** Shell commands, a line each; null when there is nothing to cure. */
  cure: string | null;
}

/** Reads only. What it throws makes it `unknown`. */
export interface Check<Id extends ReceiverCheckId = ReceiverCheckId> extends TimedCheck<ReceiverContext, CheckResult> {
  id: Id;
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

/** The gravest of several, with the commands of all that are not green. */
export function worstOf(results: readonly CheckResult[]): CheckResult {
  const sick = results.filter(({ status }) => status !== 'green');
  const worst = (['red', 'yellow', 'unknown'] as const).find((status) => sick.some((one) => one.status === status));
  if (worst === undefined) return green(results.map(({ summary }) => summary).join('; '));
  const cure = asText(sick.flatMap((one) => one.cure?.split('\n') ?? []));
  return { status: worst, summary: sick.map(({ summary }) => summary).join('; '), cure };
}

function asText(commands: readonly string[]): string | null {
  return commands.length === 0 ? null : [...new Set(commands)].join('\n');
}
