import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogger } from '../../lib/logger.ts';
import type { CommitSource } from './commit-source.ts';
import type { BranchKnowledge, GatePolicy } from './verdict.ts';
import { createOpenGate, createVersionGate } from './version-gate.ts';

const commitOf = (n: number) => n.toString(16).padStart(40, '0');
const branchOf = (...numbers: number[]): BranchKnowledge => ({ commits: numbers.map(commitOf), source: 'git' });

/** A gate whose source gives these answers in turn, and the last one for ever; `undefined` is a failure, `never` no answer at all. */
function gateOf(answers: (BranchKnowledge | undefined | 'never')[], policy: Partial<GatePolicy> = {}) {
  let readings = 0;
  const source: CommitSource = {
    read: () => {
      const answer = answers[Math.min(readings, answers.length - 1)];
      readings += 1;
      if (answer === 'never') return Promise.withResolvers<BranchKnowledge>().promise;
      return answer ? Promise.resolve(answer) : Promise.reject(new Error('down'));
    },
  };
  const clock = {
    nowMs: 0,
    wallTime: () => '',
    monotonicMs: () => clock.nowMs,
    sleep: (_ms: number, signal?: AbortSignal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => resolve());
      // Time goes by only for a source that never answers.
      if (answers[Math.min(readings - 1, answers.length - 1)] === 'never') resolve();
      return promise;
    },
  };
  const logger = createLogger({ level: 'error', form: 'plain', clock, write: () => undefined });
  const gate = createVersionGate({
    source,
    policy: { window: 2, blockedCommits: new Set([commitOf(8)]), dirty: 'refuse', ...policy },
    refreshMs: 5_000,
    clock,
    logger,
  });
  const judge = (n: number, dirty = false) => gate.judge({ commit: commitOf(n), dirty });
  return { gate, judge, clock, readings: () => readings };
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
    const { judge } = gateOf([branchOf(1), branchOf(1), branchOf(2, 1)]);
    await judge(1);
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
    const { judge, clock } = gateOf([branchOf(1), branchOf(1), branchOf(7, 6, 1)]);
    await judge(1);
    clock.nowMs = 5_001;
    assert.deepEqual(await judge(1), accepted(1, 1));
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
      const { judge } = gateOf([branchOf(1), branchOf(1), answer]);
      await judge(1);
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
