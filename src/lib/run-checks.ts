// Several looks at once, each within a limit of its own: one that throws, or does not end in time, is told and holds up no other.

import type { Clock } from './clock.ts';

export interface TimedCheck<Context, Result> {
  /** After it the check is given up, whatever it is still doing. */
  timeoutMs: number;
  run(context: Context): Promise<Result>;
}

export interface CheckFallbacks<Result> {
  tooLong(timeoutMs: number): Result;
  couldNotLook(error: unknown): Result;
}

export interface Checked<Check, Result> {
  check: Check;
  result: Result;
  durationMs: number;
}

/** In the order of `checks`. Never rejects. */
export async function runChecks<Context, Result, Check extends TimedCheck<Context, Result>>(
  checks: readonly Check[],
  context: Context,
  { clock, ...fallbacks }: CheckFallbacks<Result> & { clock: Clock },
): Promise<Checked<Check, Result>[]> {
  return await Promise.all(
    checks.map(async (check) => {
      const beganAtMs = clock.monotonicMs();
      const ended = new AbortController();
      const limit = clock.sleep(check.timeoutMs, ended.signal).then(() => fallbacks.tooLong(check.timeoutMs));
      // So that a check that fails at once counts as one that fails.
      const run = Promise.try(() => check.run(context)).catch((error: unknown) => fallbacks.couldNotLook(error));
      const result = await Promise.race([run, limit]);
      ended.abort();
      return { check, result, durationMs: clock.monotonicMs() - beganAtMs };
    }),
  );
}
