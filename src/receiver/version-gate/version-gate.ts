// What the rest of the receiver sees of the gate, and the gate that is off.

import type { GateDecision } from '../../protocol/ledger-row.ts';
import type { ProblemCode } from '../../protocol/problem.ts';
import { judgeStamp, type StampedCode } from './verdict.ts';

export type GateVerdict =
  | { kind: 'accepted'; commit: string | undefined; decision: GateDecision }
  | { kind: 'refused'; code: ProblemCode; yourCommit: string | null; headCommit: string | null; headDistance?: number }
  | { kind: 'cannot-know'; code: 'gate-unknown' | 'gate-stale' };

export interface GateStatus {
  enabled: boolean;
  head: string | null;
  /** How many commits are trusted; null when the gate is off. */
  window: number | null;
  source: string | null;
  /** UTC wall times, as clock.ts writes them. */
  refreshedAt: string | null;
  lastError: string | null;
  allowed: { commit: string; until: string; why: string; by: string }[];
  blocked: { commit: string; why: string; by: string }[];
}

export interface VersionGate {
  readonly enabled: boolean;
  head(): string | null;
  /** Throws what Control throws. */
  judge(stamped: StampedCode): Promise<GateVerdict>;
  /** Throws what Control throws. */
  status(): Promise<GateStatus>;
  /** 0 is the head; null when it is not known. Reads nothing. */
  distanceOf(commit: string): number | null;
  /** Whether commits were ever learned, from wherever. */
  isKnown(): boolean;
  /** Ends the reading in the background, and waits for a write that is under way. */
  close(): Promise<void>;
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
    status: () =>
      Promise.resolve({
        enabled: false,
        head: null,
        window: null,
        source: null,
        refreshedAt: null,
        lastError: null,
        allowed: [],
        blocked: [],
      }),
    distanceOf: () => null,
    isKnown: () => true,
    close: () => Promise.resolve(),
  };
}
