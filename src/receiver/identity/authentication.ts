// What the look at a request's credential comes to. No detail ever repeats what was sent.

import type { ProblemCode } from '../../protocol/problem.ts';
import type { Principal } from './principal.ts';

export interface Refused {
  kind: 'refused';
  code: Extract<ProblemCode, 'credential-missing' | 'credential-invalid' | 'forbidden' | 'bad-request'>;
  detail: string;
}

export type Authentication = { kind: 'known'; principal: Principal } | Refused;

export function known(principal: Principal): Authentication {
  return { kind: 'known', principal };
}

export function refused(code: Refused['code'], detail: string): Refused {
  return { kind: 'refused', code, detail };
}
