// The gate: refuses what stale code made, and never refuses for want of its own knowledge.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { GateDecision } from '../../protocol/ledger-row.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import { BranchCache } from './branch-cache.ts';
import type { CommitSource } from './commit-source.ts';
import { type GatePolicy, judgeCommit, judgeStamp, type StampedCode } from './verdict.ts';

// How long a PUT waits for the branch to be read again before it is told that the gate cannot know.
const FRESHNESS_WAIT_MS = 2_000;

export type GateVerdict =
  | { kind: 'accepted'; commit: string | undefined; decision: GateDecision }
  | { kind: 'refused'; code: ProblemCode; yourCommit: string | null; headCommit: string | null; headDistance?: number }
  | { kind: 'cannot-know'; code: 'gate-unknown' | 'gate-stale' };

export interface VersionGate {
  readonly enabled: boolean;
  head(): string | null;
  judge(stamped: StampedCode): Promise<GateVerdict>;
}

export interface VersionGateOptions {
  source: CommitSource;
  policy: GatePolicy;
  refreshMs: number;
  clock: Clock;
  logger: Logger;
}

export function createVersionGate({ source, policy, refreshMs, clock, logger }: VersionGateOptions): VersionGate {
  const cache = new BranchCache(source, { refreshMs, clock, logger });
  // Learns the branch before the first episode comes, and says at once when it cannot.
  cache.current();
  return {
    enabled: true,
    head: () => cache.current()?.commits[0] ?? null,
    async judge(stamped) {
      const stamp = judgeStamp(stamped);
      const yourCommit = stamped.commit ?? null;
      if (stamp.kind === 'refused') {
        return { kind: 'refused', code: stamp.code, yourCommit, headCommit: cache.current()?.commits[0] ?? null };
      }
      const { commit } = stamp;
      let verdict = judgeCommit(commit, stamped.dirty, cache.current(), policy);
      const needsFreshness =
        verdict.kind === 'not-known' || (verdict.kind === 'refused' && verdict.code === 'commit-not-in-window');
      if (needsFreshness) {
        if (!(await cache.refreshed(FRESHNESS_WAIT_MS))) {
          return { kind: 'cannot-know', code: cache.current() ? 'gate-stale' : 'gate-unknown' };
        }
        verdict = judgeCommit(commit, stamped.dirty, cache.current(), policy);
      }
      if (verdict.kind === 'not-known') return { kind: 'cannot-know', code: 'gate-unknown' };
      if (verdict.kind === 'accepted') {
        return { kind: 'accepted', commit, decision: { head: verdict.head, source: verdict.source } };
      }
      const { code, head, distance } = verdict;
      return {
        kind: 'refused',
        code,
        yourCommit,
        headCommit: head,
        ...(distance !== undefined && { headDistance: distance }),
      };
    },
  };
}

/** `enabled = false`: accepts all, and still records a well-formed commit. */
export function createOpenGate(): VersionGate {
  return {
    enabled: false,
    head: () => null,
    judge(stamped) {
      const stamp = judgeStamp(stamped);
      const commit = stamp.kind === 'well-formed' ? stamp.commit : undefined;
      return Promise.resolve({ kind: 'accepted', commit, decision: 'disabled' });
    },
  };
}
