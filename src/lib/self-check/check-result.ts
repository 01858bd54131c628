// What a look at one thing can come to, and the commands that cure it.

export const CHECK_STATUSES = ['green', 'yellow', 'red', 'unknown'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

export interface CheckResult {
  status: CheckStatus;
  /** One line. */
  summary: string;
  /** Shell commands, a line each, with this machine's own paths and names; null when there is nothing to cure. */
  cure: string | null;
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
export function worstOf(results: readonly CheckResult[], between = '; '): CheckResult {
  const sick = results.filter(({ status }) => status !== 'green');
  const worst = (['red', 'yellow', 'unknown'] as const).find((status) => sick.some((one) => one.status === status));
  if (worst === undefined) return green(results.map(({ summary }) => summary).join(between));
  const cure = asText(sick.flatMap((one) => one.cure?.split('\n') ?? []));
  return { status: worst, summary: sick.map(({ summary }) => summary).join(between), cure };
}

function asText(commands: readonly string[]): string | null {
  return commands.length === 0 ? null : [...new Set(commands)].join('\n');
}
