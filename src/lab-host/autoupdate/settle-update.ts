// The words that an update ends with in update-state.json. Pure: from what stands there to what is to stand there.

import type { UpdateState } from '../../protocol/update-state.ts';
import { rememberBad } from './bad-releases.ts';

type Last = NonNullable<UpdateState['last']>;

export interface Ending {
  source: string;
  atWall: string;
  /** What ran before. */
  from: string;
  to: string;
  releaseNumber: number | null;
  detail?: string | undefined;
}

export function asConfirmed(state: UpdateState, ending: Ending): UpdateState {
  const { pending: _, trial: __, flipped: ___, ...rest } = state;
  return {
    ...withNumber(rest, ending),
    bad: (state.bad ?? []).filter(({ commit }) => commit !== ending.to),
    last: lastOf('updated', ending, 0),
  };
}

export function asCurrent(state: UpdateState, ending: Ending): UpdateState {
  return { ...withNumber(state, ending), last: lastOf('current', ending, 0) };
}

/** `isBlameless`: what is wrong is not the release's; it is tried again in an hour, however often. */
export function asRolledBack(state: UpdateState, ending: Ending, isBlameless: boolean): UpdateState {
  const { pending: _, trial: __, flipped: ___, ...rest } = state;
  const tried = { commit: ending.to, releaseNumber: ending.releaseNumber };
  const known = isBlameless ? (state.bad ?? []).filter(({ commit }) => commit !== ending.to) : (state.bad ?? []);
  const bad = rememberBad(known, tried, ending.atWall);
  return { ...rest, bad, last: lastOf(isBlameless ? 'failed' : 'rolled-back', ending, failuresOf(state) + 1) };
}

/** Nothing was changed. What was rolled back before stays told until something succeeds. */
export function asFailed(
  state: UpdateState,
  ending: Partial<Ending> & { atWall: string },
  isBad: boolean,
): UpdateState {
  const failures = failuresOf(state) + 1;
  const { to, releaseNumber = null, atWall } = ending;
  const bad =
    isBad && to !== undefined ? rememberBad(state.bad ?? [], { commit: to, releaseNumber }, atWall) : state.bad;
  const kept = bad ? { ...state, bad } : state;
  if (state.last?.result === 'rolled-back') return { ...kept, last: { ...state.last, failures } };
  return { ...kept, last: lastOf('failed', ending, failures) };
}

function failuresOf({ last }: UpdateState): number {
  return last?.result === 'failed' || last?.result === 'rolled-back' ? (last.failures ?? 1) : 0;
}

function withNumber<State extends UpdateState>(state: State, { releaseNumber, to }: Ending): State {
  if (releaseNumber === null || releaseNumber < (state.highest_release_number ?? 0)) return state;
  return { ...state, highest_release_number: releaseNumber, highest_release_commit: to };
}

function lastOf(result: Last['result'], ending: Partial<Ending> & { atWall: string }, failures: number): Last {
  const { source, from, to, detail, atWall } = ending;
  return {
    result,
    at_wall: atWall,
    ...(source !== undefined && { source }),
    ...(from !== undefined && { commit: from }),
    ...(to !== undefined && { target: to }),
    ...(detail !== undefined && { detail: detail.slice(0, 500) }),
    failures,
  };
}
