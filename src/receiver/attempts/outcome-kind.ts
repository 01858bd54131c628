// What an outcome of an attempt says: stored, refused for a reason of the episode's or the host's, or not taken for one of the receiver's.

import { PROBLEMS, type ProblemCode } from '../../protocol/problem.ts';

/** `failed`: the receiver could not take it then, and the host tries again by itself. */
export type OutcomeKind = 'stored' | 'refused' | 'failed';

const FIRST_STATUS_OF_RECEIVER = 500;

/** `outcome`: `stored`, `duplicate`, or a problem code; one of another release counts as a refusal. */
export function outcomeKindOf(outcome: string): OutcomeKind {
  if (outcome === 'stored' || outcome === 'duplicate') return 'stored';
  if (!Object.hasOwn(PROBLEMS, outcome)) return 'refused';
  const [status] = PROBLEMS[outcome as ProblemCode];
  return status >= FIRST_STATUS_OF_RECEIVER ? 'failed' : 'refused';
}
