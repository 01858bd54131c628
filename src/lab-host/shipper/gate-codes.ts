// The refusals that are the gate's: of the code that recorded an episode, and so of every other episode of that code.

import type { ProblemCode } from '../../protocol/problem.ts';

const GATE_CODES = new Set<string>([
  'commit-missing',
  'commit-malformed',
  'commit-not-in-window',
  'commit-blocked',
  'dirty-refused',
] satisfies ProblemCode[]);

export function isGateCode(code: string): boolean {
  return GATE_CODES.has(code);
}
