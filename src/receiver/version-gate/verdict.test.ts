import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type BranchKnowledge, type GatePolicy, judgeCommit, judgeStamp } from './verdict.ts';

const commitOf = (n: number) => n.toString(16).padStart(40, '0');
const BRANCH: BranchKnowledge = { commits: [1, 2, 3, 4, 5].map(commitOf), source: 'git' };
const HEAD = commitOf(1);

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
    ['the head', 1, false, BRANCH, {}, { kind: 'accepted', head: HEAD, source: 'git' }],
    ['the last of the window', 3, false, BRANCH, {}, { kind: 'accepted', head: HEAD, source: 'git' }],
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
    ['dirty, accepted', 1, true, BRANCH, {}, { kind: 'accepted', head: HEAD, source: 'git' }],
    ['dirty, refused', 1, true, BRANCH, refuse, { kind: 'refused', code: 'dirty-refused', head: HEAD, distance: 0 }],
    [
      'dirty, refused, nothing is known',
      1,
      true,
      undefined,
      refuse,
      { kind: 'refused', code: 'dirty-refused', head: null },
    ],
    ['clean, dirty is refused', 1, false, BRANCH, refuse, { kind: 'accepted', head: HEAD, source: 'git' }],
    [
      'the source is told',
      1,
      false,
      { ...BRANCH, source: 'static' },
      {},
      { kind: 'accepted', head: HEAD, source: 'static' },
    ],
  ];
  for (const [title, commit, dirty, knowledge, policy, verdict] of cases) {
    test(title, () => {
      const whole: GatePolicy = { window: 3, blockedCommits: new Set(), dirty: 'accept', ...policy };
      assert.deepEqual(judgeCommit(commitOf(commit), dirty, knowledge, whole), verdict);
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
      const verdict = judgeCommit(commitOf(commit), dirty, knowledge, {
        window,
        blockedCommits: new Set(blocked.map(commitOf)),
        dirty: policy,
      });
      const isTrusted =
        branch.slice(0, window).includes(commit) && !blocked.includes(commit) && !(dirty && policy === 'refuse');
      assert.equal(verdict.kind, isTrusted ? 'accepted' : 'refused');
    }),
    { numRuns: 1_000 },
  );
});
