// Several looks at once, each within a limit of its own: one that throws, or does not end in time, is unknown and says why: never green.

import { errnoOf, messageOf } from '../app-error.ts';
import type { Clock } from '../clock.ts';
import { type CheckResult, unknown } from './check-result.ts';

export interface TimedCheck<Context> {
  /** After it the check is `unknown`, whatever it is still doing. */
  timeoutMs: number;
  /** Reads only. What it throws makes it `unknown`. */
  run(context: Context): Promise<CheckResult>;
}

export interface Checked<Check> {
  check: Check;
  result: CheckResult;
  durationMs: number;
}

/** In the order of `checks`. `again`: the command for whoever was not allowed to look. Never rejects. */
export async function runChecks<Context, Check extends TimedCheck<Context>>(
  checks: readonly Check[],
  context: Context,
  { clock, again }: { clock: Clock; again: string },
): Promise<Checked<Check>[]> {
  return await Promise.all(
    checks.map(async (check) => {
      const beganAtMs = clock.monotonicMs();
      const ended = new AbortController();
      const limit = clock.sleep(check.timeoutMs, ended.signal).then(() => tooLong(check.timeoutMs));
      // So that a check that fails at once counts as one that fails.
      const run = Promise.try(() => check.run(context)).catch((error: unknown) => couldNotLook(error, again));
      const result = await Promise.race([run, limit]);
      ended.abort();
      return { check, result, durationMs: clock.monotonicMs() - beganAtMs };
    }),
  );
}

function tooLong(timeoutMs: number): CheckResult {
  return unknown(`not known: it did not end within ${timeoutMs / 1000} s`);
}

function couldNotLook(error: unknown, again: string): CheckResult {
  const isForbidden = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
  return unknown(`not known: ${messageOf(error)}`, ...(isForbidden ? [again] : []));
}
