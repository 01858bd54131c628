import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { BranchKnowledge } from './commit-source.ts';
import { KnownCommits } from './known-commits.ts';
import { type Decided, decidedNow, type GatePolicy, judgeCommit, judgeStamp } from './verdict.ts';

const commitOf = (n: number) => n.toString(16).padStart(40, '0');
const BRANCH: BranchKnowledge = { commits: [1, 2, 3, 4, 5].map(commitOf), source: 'git' };
const HEAD = commitOf(1);

function known(knowledge: BranchKnowledge | undefined, window: number): KnownCommits {
  const commits = new KnownCommits(window);
  if (knowledge) commits.learn(knowledge);
  return commits;
}

describe('the stamp', () => {
  for (const [title, commit, verdict] of [
    ['none', undefined, { kind: 'refused', code: 'commit-missing' }],
    ['empty', '', { kind: 'refused', code: 'commit-missing' }],
    ['blank', '  ', { kind: 'refused', code: 'commit-missing' }],
    ['abbreviated', 'abc1234', { kind: 'refused', code: 'commit-malformed' }],
    ['a name', 'main', { kind: 'refused', code: 'commit-malformed' }],
    ['sent twice', `${HEAD}, ${HEAD}`, { kind: 'refused', code: 'commit-malformed' }],
    ['in upper case', 'A'.repeat(40), { kind: 'well-formed', commit: 'a'.repeat(40) }],
    ['of SHA-256', 'a'.repeat(64), { kind: 'well-formed', commit: 'a'.repeat(64) }],
  ] as const) {
    test(title, () => assert.deepEqual(judgeStamp({ commit, dirty: false }), verdict));
  }
});

describe('the verdict', () => {
  const refuse = { dirty: 'refuse' } as const;
  const cases: [
    title: string,
    commit: number,
    dirty: boolean,
    knowledge: BranchKnowledge | undefined,
    policy: Partial<GatePolicy>,
    verdict: object,
  ][] = [
    ['the head', 1, false, BRANCH, {}, { kind: 'accepted', decision: { head: HEAD, source: 'git' } }],
    ['the last of the window', 3, false, BRANCH, {}, { kind: 'accepted', decision: { head: HEAD, source: 'git' } }],
    [
      'the first behind the window',
      4,
      false,
      BRANCH,
      {},
      { kind: 'refused', code: 'commit-not-in-window', head: HEAD, distance: 3 },
    ],
    ['not on the branch', 9, false, BRANCH, {}, { kind: 'refused', code: 'commit-not-in-window', head: HEAD }],
    ['nothing is known', 1, false, undefined, {}, { kind: 'not-known' }],
    ['an empty branch is known', 1, false, { commits: [], source: 'static' }, {}, { kind: 'not-known' }],
    [
      'blocked, in the window',
      2,
      false,
      BRANCH,
      { blockedCommits: new Set([commitOf(2)]) },
      { kind: 'refused', code: 'commit-blocked', head: HEAD, distance: 1 },
    ],
    [
      'blocked, not on the branch',
      9,
      false,
      BRANCH,
      { blockedCommits: new Set([commitOf(9)]) },
      { kind: 'refused', code: 'commit-blocked', head: HEAD },
    ],
    [
      'blocked, nothing is known',
      9,
      false,
      undefined,
      { blockedCommits: new Set([commitOf(9)]) },
      { kind: 'refused', code: 'commit-blocked', head: null },
    ],
    [
      'blocked and dirty',
      2,
      true,
      BRANCH,
      { ...refuse, blockedCommits: new Set([commitOf(2)]) },
      { kind: 'refused', code: 'commit-blocked', head: HEAD, distance: 1 },
    ],
    ['dirty, accepted', 1, true, BRANCH, {}, { kind: 'accepted', decision: { head: HEAD, source: 'git' } }],
    ['dirty, refused', 1, true, BRANCH, refuse, { kind: 'refused', code: 'dirty-refused', head: HEAD, distance: 0 }],
    [
      'dirty, refused, nothing is known',
      1,
      true,
      undefined,
      refuse,
      { kind: 'refused', code: 'dirty-refused', head: null },
    ],
    [
      'clean, dirty is refused',
      1,
      false,
      BRANCH,
      refuse,
      { kind: 'accepted', decision: { head: HEAD, source: 'git' } },
    ],
    [
      'the source is told',
      1,
      false,
      { ...BRANCH, source: 'static' },
      {},
      { kind: 'accepted', decision: { head: HEAD, source: 'static' } },
    ],
  ];
  for (const [title, commit, dirty, knowledge, policy, verdict] of cases) {
    test(title, () => {
      const whole: GatePolicy = { window: 3, blockedCommits: new Set(), dirty: 'accept', ...policy };
      const look = { commit: commitOf(commit), dirty };
      assert.deepEqual(judgeCommit(look, known(knowledge, whole.window), whole, undefined), verdict);
    });
  }
});

test('accepted is exactly what is among the first commits, not blocked, and clean where that is asked', () => {
  const number = fc.integer({ min: 0, max: 12 });
  const input = fc.record({
    branch: fc.uniqueArray(number, { minLength: 1, maxLength: 10 }),
    blocked: fc.uniqueArray(number, { maxLength: 3 }),
    window: fc.integer({ min: 1, max: 12 }),
    policy: fc.constantFrom('accept', 'refuse'),
    commit: number,
    dirty: fc.boolean(),
  });
  fc.assert(
    fc.property(input, ({ branch, blocked, window, policy, commit, dirty }) => {
      const knowledge: BranchKnowledge = { commits: branch.map(commitOf), source: 'git' };
      const verdict = judgeCommit(
        { commit: commitOf(commit), dirty },
        known(knowledge, window),
        { window, blockedCommits: new Set(blocked.map(commitOf)), dirty: policy },
        undefined,
      );
      const isTrusted =
        branch.slice(0, window).includes(commit) && !blocked.includes(commit) && !(dirty && policy === 'refuse');
      assert.equal(verdict.kind, isTrusted ? 'accepted' : 'refused');
    }),
    { numRuns: 1_000 },
  );
});

describe('what an admin has decided', () => {
  const override = { kind: 'accepted', decision: 'override' };
  const inWindow = { kind: 'accepted', decision: { head: HEAD, source: 'git' } };
  const blocked = (distance?: number) => ({
    kind: 'refused',
    code: 'commit-blocked',
    head: HEAD,
    ...(distance !== undefined && { distance }),
  });
  const refuse = { dirty: 'refuse' } as const;
  const block = (commit: number) => ({ blockedCommits: new Set([commitOf(commit)]) });
  const cases: [
    title: string,
    commit: number,
    dirty: boolean,
    Decided,
    policy: Partial<GatePolicy>,
    verdict: object,
  ][] = [
    ['allowed, outside of the window', 4, false, 'allowed', {}, override],
    ['allowed, not on the branch', 9, false, 'allowed', {}, override],
    ['allowed, in the window all the same', 2, false, 'allowed', {}, inWindow],
    ['allowed, named in blocked_commits, in the window', 2, false, 'allowed', block(2), override],
    ['allowed, named in blocked_commits, outside', 9, false, 'allowed', block(9), override],
    [
      'allowed, dirty is refused',
      4,
      true,
      'allowed',
      refuse,
      { kind: 'refused', code: 'dirty-refused', head: HEAD, distance: 3 },
    ],
    ['allowed, dirty is accepted', 4, true, 'allowed', {}, override],
    ['blocked, in the window', 2, false, 'blocked', {}, blocked(1)],
    ['blocked, outside', 9, false, 'blocked', {}, blocked()],
  ];
  for (const [title, commit, dirty, decided, policy, verdict] of cases) {
    test(title, () => {
      const whole: GatePolicy = { window: 3, blockedCommits: new Set(), dirty: 'accept', ...policy };
      assert.deepEqual(judgeCommit({ commit: commitOf(commit), dirty }, known(BRANCH, 3), whole, decided), verdict);
    });
  }

  test('allowed counts while nothing is known', () => {
    const policy: GatePolicy = { window: 3, blockedCommits: new Set(), dirty: 'accept' };
    assert.deepEqual(judgeCommit({ commit: HEAD, dirty: false }, known(undefined, 3), policy, 'allowed'), override);
  });

  const allowance = (until: string) => ({ kind: 'allowed', commit: HEAD, until, why: 'w', by: 'ada' }) as const;
  const block1 = { kind: 'blocked', commit: HEAD, why: 'w', by: 'ada' } as const;
  const [before, now, after] = ['11:59:59.999999', '12:00:00.000000', '12:00:00.000001'].map(
    (time) => `2026-05-01T${time}+00:00`,
  ) as [string, string, string];
  for (const [title, overrides, decided] of [
    ['nothing', [], undefined],
    ['an allowance that runs', [allowance(after)], 'allowed'],
    ['an allowance that ends now', [allowance(now)], undefined],
    ['an allowance that has ended', [allowance(before)], undefined],
    ['a block', [block1], 'blocked'],
    ['an allowance above a block', [allowance(after), block1], 'allowed'],
    ['a block that outlives an allowance', [allowance(before), block1], 'blocked'],
    ['an allowance in another notation', [allowance('2026-05-01T14:00:01+02:00')], 'allowed'],
  ] as const) {
    test(`${title}: ${decided ?? 'nothing'} counts`, () =>
      assert.equal(
        decidedNow(overrides, () => now),
        decided,
      ));
  }
});
