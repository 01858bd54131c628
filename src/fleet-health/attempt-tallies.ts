// Answered attempts of the recent window by host, from the receiver's counts or from its journal: both are added up here.

import { PROBLEMS, type ProblemCode } from '../protocol/problem.ts';
import type { AttemptCount } from '../storage/attempts.ts';
import type { JournalFact } from './journal/parse-line.ts';
import type { AttemptTally, Observed } from './observed.ts';

const UNSTAMPED: ProblemCode = 'commit-missing';

/** The receiver's counts have the grain of a minute. */
export function tallyCounts(counts: readonly AttemptCount[]): Map<string, AttemptTally> {
  const tallies = new Tallies();
  for (const { hostId, outcome, count } of counts) {
    const status = statusOf(outcome);
    tallies.answered(hostId, status, count);
    if (outcome === UNSTAMPED) tallies.unstamped(hostId, count);
    if (status >= 400) tallies.refused(hostId, outcome, count);
  }
  return tallies.result();
}

export async function tallyJournal(facts: AsyncIterable<JournalFact>): Promise<Map<string, AttemptTally>> {
  const tallies = new Tallies();
  for await (const { hostId, status, rejection } of facts) {
    if (status !== undefined) tallies.answered(hostId, status, 1);
    if (rejection?.isUnstamped) tallies.unstamped(hostId, 1);
    if (rejection?.code !== undefined) tallies.refused(hostId, rejection.code, 1);
  }
  return tallies.result();
}

/** Refusals that a later receiver may know count as such: 4xx and 5xx weigh the same. */
function statusOf(outcome: string): number {
  if (outcome === 'stored') return 201;
  if (outcome === 'duplicate') return 200;
  return Object.hasOwn(PROBLEMS, outcome) ? PROBLEMS[outcome as ProblemCode][0] : 400;
}

interface GrowingTally {
  success: number;
  clientError: number;
  serverError: number;
  unstamped: number;
  codes: Map<string, number>;
  /** For an older receiver, which tells no codes. */
  statuses: Map<string, number>;
}

class Tallies {
  readonly #byHost = new Map<string, GrowingTally>();

  answered(hostId: string, status: number, count: number): void {
    const tally = this.#of(hostId);
    if (status >= 200 && status < 300) tally.success += count;
    else if (status >= 400 && status < 500) tally.clientError += count;
    else if (status >= 500 && status < 600) tally.serverError += count;
    if (status >= 400) add(tally.statuses, `http-${status}`, count);
  }

  unstamped(hostId: string, count: number): void {
    this.#of(hostId).unstamped += count;
  }

  refused(hostId: string, code: string, count: number): void {
    add(this.#of(hostId).codes, code, count);
  }

  result(): Map<string, AttemptTally> {
    return new Map(
      Array.from(this.#byHost, ([host, { codes, statuses, ...tally }]) => [
        host,
        { ...tally, codes: codes.size > 0 ? codes : statuses },
      ]),
    );
  }

  #of(hostId: string): GrowingTally {
    return this.#byHost.getOrInsertComputed(hostId, () => ({
      success: 0,
      clientError: 0,
      serverError: 0,
      unstamped: 0,
      codes: new Map(),
      statuses: new Map(),
    }));
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** Fewer attempts are no better ones: what failed is gone once something succeeds. */
export function hasSucceeded({ attempts }: Pick<Observed, 'attempts'>, hostId: string): boolean {
  return (attempts?.get(hostId)?.success ?? 0) > 0;
}
