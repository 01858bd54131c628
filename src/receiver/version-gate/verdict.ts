// What the gate says of one commit, given what it knows. Pure: no clock, no I/O.

import { parseCommit } from '../../protocol/commit.ts';
import type { GateDecision } from '../../protocol/ledger-row.ts';
import type { GateOverride } from '../../storage/control.ts';
import type { KnownCommits } from './known-commits.ts';

export interface GatePolicy {
  window: number;
  blockedCommits: ReadonlySet<string>;
  dirty: 'accept' | 'refuse';
}

export interface StampedCode {
  /** The header as it came; undefined when there was none. */
  commit: string | undefined;
  dirty: boolean;
}

export type StampVerdict =
  | { kind: 'well-formed'; commit: string }
  | { kind: 'refused'; code: 'commit-missing' | 'commit-malformed' };

export function judgeStamp(stamped: StampedCode): StampVerdict {
  if (stamped.commit === undefined || stamped.commit.trim() === '') return { kind: 'refused', code: 'commit-missing' };
  const commit = parseCommit(stamped.commit);
  return commit ? { kind: 'well-formed', commit } : { kind: 'refused', code: 'commit-malformed' };
}

/** What an admin has decided of the commit, as far as it counts now. */
export type Decided = 'allowed' | 'blocked' | undefined;

/** An allowance stands above a block while it lasts: a block that came later has removed it. */
export function decidedNow(overrides: readonly GateOverride[], now: () => string): Decided {
  if (overrides.some((override) => override.kind === 'allowed' && isRunning(override.until, now()))) return 'allowed';
  return overrides.some(({ kind }) => kind === 'blocked') ? 'blocked' : undefined;
}

/** Both are wall times as clock.ts writes them. */
export function isRunning(until: string, now: string): boolean {
  return Temporal.Instant.compare(Temporal.Instant.from(until), Temporal.Instant.from(now)) > 0;
}

export type CommitVerdict =
  | { kind: 'accepted'; decision: GateDecision }
  | {
      kind: 'refused';
      code: 'commit-blocked' | 'dirty-refused' | 'commit-not-in-window';
      head: string | null;
      distance?: number;
    };

/** While nothing is known, only what was decided of the commit and the dirty policy can refuse. */
export function judgeCommit(
  { commit, dirty }: { commit: string; dirty: boolean },
  known: KnownCommits,
  policy: GatePolicy,
  decided: Decided,
): CommitVerdict | { kind: 'not-known' } {
  const { head } = known;
  const distance = known.distanceOf(commit);
  const refused = { kind: 'refused', head, ...(distance !== null && { distance }) } as const;
  const isBlocked = decided === 'blocked' || policy.blockedCommits.has(commit);
  if (isBlocked && decided !== 'allowed') return { ...refused, code: 'commit-blocked' };
  if (dirty && policy.dirty === 'refuse') return { ...refused, code: 'dirty-refused' };
  const source = known.vouchedBy(commit);
  if (source !== undefined && !isBlocked) return { kind: 'accepted', decision: { head, source } };
  if (decided === 'allowed') return { kind: 'accepted', decision: 'override' };
  return known.isKnown ? { ...refused, code: 'commit-not-in-window' } : { kind: 'not-known' };
}
