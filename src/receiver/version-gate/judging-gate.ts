// The gate over its sources: refuses what stale code made, and never refuses for want of its own knowledge.

import type { Clock } from '../../lib/clock.ts';
import type { Control } from '../../storage/control.ts';
import type { SourceChain } from './source-chain.ts';
import { decidedNow, type GatePolicy, isRunning, judgeCommit, judgeStamp, type StampedCode } from './verdict.ts';
import type { GateStatus, GateVerdict, VersionGate } from './version-gate.ts';

export interface JudgingGateOptions {
  chain: SourceChain;
  policy: GatePolicy;
  control: Pick<Control, 'findGateOverrides' | 'listGateOverrides'>;
  clock: Clock;
}

export function createJudgingGate({ chain, policy, control, clock }: JudgingGateOptions): VersionGate {
  const now = () => clock.wallTime();

  /** Throws what Control throws: when it cannot be asked, nothing was judged. */
  async function judge(stamped: StampedCode): Promise<GateVerdict> {
    const stamp = judgeStamp(stamped);
    const yourCommit = stamped.commit ?? null;
    if (stamp.kind === 'refused') {
      return { kind: 'refused', code: stamp.code, yourCommit, headCommit: chain.current().head };
    }
    const { commit } = stamp;
    const look = async () => {
      const decided = decidedNow(await control.findGateOverrides(commit), now);
      return judgeCommit({ commit, dirty: stamped.dirty }, chain.current(), policy, decided);
    };
    let verdict = await look();
    let isFresh = true;
    if (verdict.kind === 'not-known' || (verdict.kind === 'refused' && verdict.code === 'commit-not-in-window')) {
      isFresh = await chain.refreshed(() => chain.known.vouchedBy(commit) !== undefined);
      verdict = await look();
    }
    if (verdict.kind === 'not-known') return { kind: 'cannot-know', code: 'gate-unknown' };
    if (verdict.kind === 'accepted') return { kind: 'accepted', commit, decision: verdict.decision };
    const { code, head, distance } = verdict;
    if (code === 'commit-not-in-window' && !isFresh) return { kind: 'cannot-know', code: 'gate-stale' };
    const headDistance = distance === undefined ? {} : { headDistance: distance };
    return { kind: 'refused', code, yourCommit, headCommit: head, ...headDistance };
  }

  async function status(): Promise<GateStatus> {
    const { head } = chain.current();
    const overrides = await control.listGateOverrides();
    return {
      enabled: true,
      head,
      window: policy.window,
      ...chain.state,
      ...listDecisions(overrides, policy.blockedCommits, now()),
    };
  }

  return {
    enabled: true,
    head: () => chain.current().head,
    judge,
    status,
    distanceOf: (commit) => chain.known.distanceOf(commit),
    isKnown: () => chain.known.isKnown,
    close: () => chain.close(),
  };
}

/** What counts now: an allowance that has ended does not. The configuration's blocks come first. */
export function listDecisions(
  overrides: Awaited<ReturnType<Control['listGateOverrides']>>,
  blockedCommits: Iterable<string>,
  now: string,
): Pick<GateStatus, 'allowed' | 'blocked'> {
  const configured = Array.from(blockedCommits, (commit) => ({
    commit,
    why: 'named in blocked_commits',
    by: 'configuration',
  }));
  const allowed = overrides.flatMap((override) =>
    override.kind === 'allowed' && isRunning(override.until, now)
      ? [{ commit: override.commit, until: override.until, why: override.why, by: override.by }]
      : [],
  );
  const blocked = overrides.flatMap(({ kind, commit, why, by }) => (kind === 'blocked' ? [{ commit, why, by }] : []));
  return { allowed, blocked: [...configured, ...blocked] };
}
