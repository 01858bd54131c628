// How the gate is, in one line, and what to do about it. Pure.

import type { GateStatus } from '../../version-gate/version-gate.ts';
import { spanText } from '../show/time.ts';

export type GateCondition = 'fresh' | 'stale' | 'blind' | 'off';

export interface GateOpinion {
  condition: GateCondition;
  tone: 'good' | 'warn' | 'bad' | 'idle';
  text: string;
  /** Commands for the receiver; none where nothing is to be done. */
  cure: readonly string[];
}

/** The branch is read once a minute, however quiet it is. */
const LATE_S = 5 * 60;

const LOOK = ['sudo cis490 gate status', "sudo journalctl -u cis490-receiver -n 200 --no-pager | grep 'version gate'"];

const OPINIONS: Record<Exclude<GateCondition, 'stale'>, Omit<GateOpinion, 'condition'>> = {
  off: {
    tone: 'idle',
    text: 'The gate is off: episodes of any code are stored. [version_gate] enabled = true turns it on.',
    cure: [],
  },
  blind: {
    tone: 'bad',
    text: 'The gate is blind: it has never learnt which commits are current. Episodes wait on their hosts, and none is refused.',
    cure: LOOK,
  },
  fresh: {
    tone: 'good',
    text: 'The gate is fresh: it takes what the last commits of the branch have made, and refuses the rest.',
    cure: [],
  },
};

/** `now`: a wall time. */
export function judgeGate(status: GateStatus, now: string): GateOpinion {
  const { enabled, head, source, refreshedAt, lastError } = status;
  if (!enabled) return { condition: 'off', ...OPINIONS.off };
  if (head === null) return { condition: 'blind', ...OPINIONS.blind };
  const ageS = refreshedAt === null ? Number.POSITIVE_INFINITY : (Date.parse(now) - Date.parse(refreshedAt)) / 1000;
  // A list in the configuration does not age.
  const isLate = source !== 'static' && !(ageS <= LATE_S);
  if (lastError === null && !isLate) return { condition: 'fresh', ...OPINIONS.fresh };
  return { condition: 'stale', tone: 'warn', text: staleText(source, ageS), cure: LOOK };
}

function staleText(source: string | null, ageS: number): string {
  const since = Number.isFinite(ageS) ? `since ${spanText(ageS)}` : 'at all';
  const still = 'Episodes of commits that it knows are stored; the others wait, and none is refused for its age.';
  if (source === 'git-fallback')
    return `The gate is stale: its source does not answer, and the local repository stands in. ${still}`;
  return `The gate is stale: the branch could not be read ${since}. ${still}`;
}
