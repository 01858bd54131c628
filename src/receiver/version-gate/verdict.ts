// What the gate says of one commit, given what it knows. Pure: no clock, no I/O.

import { parseCommit } from '../../protocol/commit.ts';

/** The branch as a source last told it, newest first. May reach beyond the window: that only serves to tell distances. */
export interface BranchKnowledge {
  commits: readonly string[];
  source: 'git' | 'static';
}

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

export type CommitVerdict =
  | { kind: 'accepted'; head: string; source: string }
  | {
      kind: 'refused';
      code: 'commit-blocked' | 'dirty-refused' | 'commit-not-in-window';
      head: string | null;
      distance?: number;
    };

/** `knowledge` is undefined when no source has ever answered: then only the blocked list and the dirty policy can refuse. */
export function judgeCommit(
  commit: string,
  dirty: boolean,
  knowledge: BranchKnowledge | undefined,
  policy: GatePolicy,
): CommitVerdict | { kind: 'not-known' } {
  const position = knowledge?.commits.indexOf(commit) ?? -1;
  const head = knowledge?.commits[0] ?? null;
  const distance = position >= 0 ? { distance: position } : {};
  if (policy.blockedCommits.has(commit)) return { kind: 'refused', code: 'commit-blocked', head, ...distance };
  if (dirty && policy.dirty === 'refuse') return { kind: 'refused', code: 'dirty-refused', head, ...distance };
  if (!knowledge || head === null) return { kind: 'not-known' };
  if (position >= 0 && position < policy.window) return { kind: 'accepted', head, source: knowledge.source };
  return { kind: 'refused', code: 'commit-not-in-window', head, ...distance };
}
