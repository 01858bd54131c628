import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../../lib/app-error.ts';
import { createLogger } from '../../lib/logger.ts';
import type { GateOverride } from '../../storage/control.ts';
import type { BranchKnowledge, CommitSource } from './commit-source.ts';
import { createJudgingGate } from './judging-gate.ts';
import { SourceChain } from './source-chain.ts';
import type { GatePolicy } from './verdict.ts';
import { createOpenGate } from './version-gate.ts';

const NOW = '2026-05-01T12:00:00.000000+00:00';
const LATER = '2026-05-01T13:00:00.000000+00:00';
const commitOf = (n: number) => n.toString(16).padStart(40, '0');
const branchOf = (...numbers: number[]): BranchKnowledge => ({ commits: numbers.map(commitOf), source: 'git' });

type Answer = BranchKnowledge | undefined | 'never';

/** A gate whose source gives these answers in turn, and the last one for ever; `undefined` is a failure, `never` no answer at all. */
function gateOf(answers: Answer[], policy: Partial<GatePolicy> = {}) {
  let readings = 0;
  let waiting = answers;
  let lastAnswer: Answer;
  const source: CommitSource = {
    read: () => {
      const answer = waiting.length > 1 ? waiting.shift() : waiting[0];
      lastAnswer = answer;
      readings += 1;
      if (answer === 'never') return Promise.withResolvers<BranchKnowledge>().promise;
      return answer ? Promise.resolve(answer) : Promise.reject(new Error('down'));
    },
  };
  const clock = {
    nowMs: 0,
    wallTime: () => NOW,
    monotonicMs: () => clock.nowMs,
    sleep: (ms: number, signal?: AbortSignal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => resolve());
      // Time goes by only for a source that never answers.
      if (ms <= 2_000 && lastAnswer === 'never') resolve();
      return promise;
    },
  };
  const logger = createLogger({ level: 'error', form: 'plain', clock, write: () => undefined });
  const whole: GatePolicy = { window: 2, blockedCommits: new Set([commitOf(8)]), dirty: 'refuse', ...policy };
  const overrides: GateOverride[] = [];
  const control = {
    find: async (commit: string) => overrides.filter((override) => override.commit === commit),
    findGateOverrides: (commit: string) => control.find(commit),
    listGateOverrides: async () => overrides,
  };
  const chain = new SourceChain({ primary: source, window: whole.window, refreshMs: 5_000, clock, logger });
  const gate = createJudgingGate({ chain, policy: whole, control, clock });
  const judge = (n: number, dirty = false) => gate.judge({ commit: commitOf(n), dirty });
  const next = (...answers: Answer[]) => {
    waiting = answers;
  };
  return { gate, judge, next, clock, overrides, control, readings: () => readings };
}

const accepted = (n: number, head: number) => ({
  kind: 'accepted',
  commit: commitOf(n),
  decision: { head: commitOf(head), source: 'git' },
});

describe('a commit', () => {
  test('in the window passes at once, without another reading', async () => {
    const { judge, gate, readings } = gateOf([branchOf(1, 2, 3)]);
    assert.deepEqual(await judge(2), accepted(2, 1));
    const before = readings();
    assert.deepEqual(await judge(1), accepted(1, 1));
    assert.equal(readings(), before);
    assert.equal(gate.head(), commitOf(1));
    assert.equal(gate.enabled, true);
  });

  test('in upper case passes in lower case', async () => {
    const { gate } = gateOf([branchOf(0xa)]);
    const verdict = await gate.judge({ commit: ` ${commitOf(0xa).toUpperCase()}`, dirty: false });
    assert.deepEqual(verdict, accepted(0xa, 0xa));
  });

  test('that was pushed a moment ago passes after a reading', async () => {
    const { judge, next } = gateOf([branchOf(1)]);
    await judge(1);
    next(branchOf(2, 1));
    assert.deepEqual(await judge(2), accepted(2, 2));
  });

  test('outside of the window is refused, with both commits and the distance', async () => {
    const { judge } = gateOf([branchOf(1, 2, 3)]);
    assert.deepEqual(await judge(3), {
      kind: 'refused',
      code: 'commit-not-in-window',
      yourCommit: commitOf(3),
      headCommit: commitOf(1),
      headDistance: 2,
    });
    assert.deepEqual(await judge(9), {
      kind: 'refused',
      code: 'commit-not-in-window',
      yourCommit: commitOf(9),
      headCommit: commitOf(1),
    });
  });

  test('is refused after a fresh reading alone', async () => {
    const { judge, readings } = gateOf([branchOf(1)]);
    await judge(1);
    const before = readings();
    await judge(9);
    assert.equal(readings(), before + 1);
  });

  test('that fell out of the window passes by what was known, until that is read again', async () => {
    const { judge, next, clock } = gateOf([branchOf(1)]);
    await judge(1);
    next(branchOf(7, 6, 1));
    clock.nowMs = 5_001;
    assert.deepEqual(await judge(1), accepted(1, 1));
    await nextTurn();
    assert.equal((await judge(1)).kind, 'refused');
  });
});

describe('a source that does not answer', () => {
  for (const [what, answer] of [
    ['fails', undefined],
    ['hangs', 'never'],
  ] as const) {
    test(`and ${what} from the start: nothing is known, nothing is refused for it`, async () => {
      const { gate, judge } = gateOf([answer]);
      assert.deepEqual(await judge(1), { kind: 'cannot-know', code: 'gate-unknown' });
      assert.equal(gate.head(), null);
    });

    test(`and ${what} later: what is known stays in force, what is not is put off`, async () => {
      const { judge, next } = gateOf([branchOf(1)]);
      await judge(1);
      next(answer);
      assert.deepEqual(await judge(9), { kind: 'cannot-know', code: 'gate-stale' });
      assert.deepEqual(await judge(1), accepted(1, 1));
    });
  }

  test('with an empty branch is as good as silent', async () => {
    const { judge } = gateOf([branchOf()]);
    assert.deepEqual(await judge(1), { kind: 'cannot-know', code: 'gate-unknown' });
  });

  test('what the policy refuses is refused all the same, without waiting', async () => {
    const { gate, judge } = gateOf(['never']);
    const refused = (code: string, yourCommit: string | null) => ({
      kind: 'refused',
      code,
      yourCommit,
      headCommit: null,
    });
    assert.deepEqual(await judge(8), refused('commit-blocked', commitOf(8)));
    assert.deepEqual(await judge(1, true), refused('dirty-refused', commitOf(1)));
    assert.deepEqual(await gate.judge({ commit: undefined, dirty: false }), refused('commit-missing', null));
    assert.deepEqual(await gate.judge({ commit: 'main', dirty: false }), refused('commit-malformed', 'main'));
  });
});

test('a refusal of the stamp tells the head where it is known', async () => {
  const { gate, judge } = gateOf([branchOf(1)]);
  await judge(1);
  for (const [commit, code] of [
    [undefined, 'commit-missing'],
    ['main', 'commit-malformed'],
  ] as const) {
    assert.deepEqual(await gate.judge({ commit, dirty: false }), {
      kind: 'refused',
      code,
      yourCommit: commit ?? null,
      headCommit: commitOf(1),
    });
  }
});

test('the branch is read before anybody asks', () => {
  assert.equal(gateOf([branchOf(1)]).readings(), 1);
});

describe('what an admin has decided', () => {
  const allow = (n: number, until = LATER) =>
    ({ kind: 'allowed', commit: commitOf(n), until, why: 'hotfix', by: 'ada' }) as const;
  const block = (n: number) => ({ kind: 'blocked', commit: commitOf(n), why: 'torn frames', by: 'bob' }) as const;

  test('counts at once and without waiting, and the row says so', async () => {
    const { judge, overrides, readings } = gateOf([branchOf(1, 2)]);
    await judge(1);
    const before = readings();
    overrides.push(allow(9), block(2), allow(8));
    assert.deepEqual(await judge(9), { kind: 'accepted', commit: commitOf(9), decision: 'override' });
    assert.deepEqual(await judge(8), { kind: 'accepted', commit: commitOf(8), decision: 'override' });
    const refused = await judge(2);
    assert.equal(refused.kind === 'refused' && refused.code, 'commit-blocked');
    assert.equal(readings(), before);
    overrides.length = 0;
    assert.equal((await judge(9)).kind, 'refused');
    assert.deepEqual(await judge(2), accepted(2, 1));
  });

  test('an allowance that has ended counts no more', async () => {
    const { judge, overrides } = gateOf([branchOf(1)]);
    overrides.push(allow(9, NOW));
    assert.equal((await judge(9)).kind, 'refused');
  });

  test('an allowance that came while the branch was read counts', async () => {
    const { gate, judge, overrides, control } = gateOf([branchOf(1)]);
    await judge(1);
    control.find = async () => {
      control.find = async (commit) => overrides.filter((override) => override.commit === commit);
      queueMicrotask(() => overrides.push(allow(9)));
      return [];
    };
    assert.deepEqual(await judge(9), { kind: 'accepted', commit: commitOf(9), decision: 'override' });
    await gate.close();
  });

  test('when it cannot be asked, nothing is judged', async () => {
    const { gate, judge, control } = gateOf([branchOf(1)]);
    await judge(1);
    control.find = () => Promise.reject(new AppError('database-busy', 'held for too long'));
    await assert.rejects(judge(1), { code: 'database-busy' });
    await assert.rejects(judge(9), { code: 'database-busy' });
    assert.equal(gate.isKnown(), true);
  });

  test('is told by the status: what has ended is not, what the configuration blocks is', async () => {
    const { gate, judge, overrides } = gateOf([branchOf(1, 2, 3)]);
    await judge(1);
    overrides.push(allow(9), allow(7, NOW), block(2));
    assert.deepEqual(await gate.status(), {
      enabled: true,
      head: commitOf(1),
      window: 2,
      source: 'git',
      refreshedAt: NOW,
      lastError: null,
      allowed: [{ commit: commitOf(9), until: LATER, why: 'hotfix', by: 'ada' }],
      blocked: [
        { commit: commitOf(8), why: 'named in blocked_commits', by: 'configuration' },
        { commit: commitOf(2), why: 'torn frames', by: 'bob' },
      ],
    });
  });
});

test('distances reach as far as the source told, and cost no reading', async () => {
  const { gate, judge, readings } = gateOf([branchOf(1, 2, 3)]);
  assert.deepEqual([gate.isKnown(), gate.distanceOf(commitOf(1))], [false, null]);
  await judge(1);
  const before = readings();
  assert.deepEqual(
    [1, 2, 3, 9].map((n) => gate.distanceOf(commitOf(n))),
    [0, 1, 2, null],
  );
  assert.equal(gate.isKnown(), true);
  assert.equal(readings(), before);
});

test('a closed gate reads no more, and refuses nobody', async () => {
  const { gate, judge, clock, readings } = gateOf([branchOf(1)]);
  await judge(1);
  await gate.close();
  const before = readings();
  clock.nowMs = 1_000_000;
  assert.equal((await judge(9)).kind, 'cannot-know');
  await nextTurn();
  assert.equal(readings(), before);
});

describe('a gate that is off', () => {
  for (const [commit, recorded] of [
    [undefined, undefined],
    ['', undefined],
    ['main', undefined],
    ['A'.repeat(40), 'a'.repeat(40)],
  ] as const) {
    test(`accepts ${commit ?? 'no commit'}`, async () => {
      const gate = createOpenGate();
      assert.deepEqual(await gate.judge({ commit, dirty: true }), {
        kind: 'accepted',
        commit: recorded,
        decision: 'disabled',
      });
      assert.deepEqual([gate.enabled, gate.head()], [false, null]);
    });
  }
});
