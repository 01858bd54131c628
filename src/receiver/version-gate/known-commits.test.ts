import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { branchOf, commitOf } from './gate.fixture.ts';
import { KnownCommits } from './known-commits.ts';

const vouchers = (known: KnownCommits, ...numbers: number[]) => numbers.map((n) => known.vouchedBy(commitOf(n)));

test('nothing is known at first', () => {
  const known = new KnownCommits(2);
  assert.deepEqual([known.head, known.isKnown, known.toldBy], [null, false, undefined]);
  assert.deepEqual([known.distanceOf(commitOf(1)), known.vouchedBy(commitOf(1))], [null, undefined]);
});

test('the window is vouched for, and what is behind it has a distance alone', () => {
  const known = new KnownCommits(2);
  assert.equal(known.learn(branchOf('forgejo', 1, 2, 3)), true);
  assert.deepEqual(vouchers(known, 1, 2, 3, 9), ['forgejo', 'forgejo', undefined, undefined]);
  assert.deepEqual(
    [1, 2, 3, 9].map((n) => known.distanceOf(commitOf(n))),
    [0, 1, 2, null],
  );
  assert.equal(known.learn(branchOf('forgejo', 1, 2, 3)), false);
  assert.equal(known.learn(branchOf('forgejo', 4, 1, 2)), true);
  assert.deepEqual(vouchers(known, 4, 1, 2, 3), ['forgejo', 'forgejo', undefined, undefined]);
});

describe('a fallback', () => {
  test('adds its window, and changes neither the head nor a distance', () => {
    const known = new KnownCommits(2);
    known.learn(branchOf('forgejo', 2, 1));
    assert.equal(known.add(branchOf('git-fallback', 4, 3, 2, 1)), true);
    assert.deepEqual(vouchers(known, 4, 3, 2, 1), ['git-fallback', 'git-fallback', 'forgejo', 'forgejo']);
    assert.deepEqual([known.head, known.distanceOf(commitOf(4)), known.toldBy], [commitOf(2), null, 'forgejo']);
    assert.equal(known.add(branchOf('git-fallback', 4, 3, 2, 1)), false);
  });

  test('counts no more once the primary source answers', () => {
    const known = new KnownCommits(2);
    known.learn(branchOf('forgejo', 2, 1));
    known.add(branchOf('git-fallback', 9, 2));
    assert.equal(known.learn(branchOf('forgejo', 2, 1)), true);
    assert.deepEqual(vouchers(known, 9, 2), [undefined, 'forgejo']);
  });

  test('tells the head while nobody else ever did, and takes nothing away when it moves', () => {
    const known = new KnownCommits(2);
    known.add(branchOf('git-fallback', 2, 1));
    assert.deepEqual([known.head, known.toldBy], [commitOf(2), 'git-fallback']);
    assert.equal(known.add(branchOf('git-fallback', 2, 1)), false);
    assert.equal(known.add(branchOf('git-fallback', 8, 7)), true);
    assert.deepEqual([known.head, ...vouchers(known, 8, 7, 2, 1)], [commitOf(8), ...Array(4).fill('git-fallback')]);
    known.learn(branchOf('forgejo', 8, 7));
    assert.deepEqual(vouchers(known, 8, 2), ['forgejo', undefined]);
  });
});

describe('what an earlier run had learned', () => {
  const remembered = (learnedFrom: 'forgejo' | 'git-fallback') => {
    const known = new KnownCommits(2);
    known.remember({ commits: [2, 1, 0].map(commitOf), learnedFrom, added: [commitOf(9)] });
    return known;
  };

  test('is vouched for by gate.json, whoever told it', () => {
    const known = remembered('forgejo');
    assert.deepEqual(vouchers(known, 2, 1, 9, 0), [...Array(3).fill('last-known-good'), undefined]);
    assert.deepEqual([known.head, known.toldBy], [commitOf(2), 'last-known-good']);
  });

  test('keeps its head against a fallback, unless a fallback told it', () => {
    for (const [learnedFrom, head] of [
      ['forgejo', 2],
      ['git-fallback', 5],
    ] as const) {
      const known = remembered(learnedFrom);
      known.add(branchOf('git-fallback', 5, 2));
      assert.equal(known.head, commitOf(head));
      assert.equal(known.vouchedBy(commitOf(5)), 'git-fallback');
      assert.ok([2, 1, 9].every((n) => known.vouchedBy(commitOf(n)) !== undefined));
    }
  });

  test('goes when the primary source answers', () => {
    const known = remembered('forgejo');
    known.learn(branchOf('forgejo', 3, 2));
    assert.deepEqual(vouchers(known, 3, 2, 1, 9), ['forgejo', 'forgejo', undefined, undefined]);
  });

  test('comes back from what is kept', () => {
    const before = new KnownCommits(2);
    before.learn(branchOf('forgejo', 2, 1, 0));
    before.add(branchOf('git-fallback', 9));
    const after = new KnownCommits(2);
    after.remember(before.toRemember(100));
    assert.deepEqual(after.toRemember(100), before.toRemember(100));
    assert.equal(before.toRemember(1).commits.length, 1);
  });
});

test('whatever fallbacks say, nothing that counted ceases to, and the head stands once the primary source told one', () => {
  const branch = fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 8 });
  const input = fc.record({
    window: fc.integer({ min: 1, max: 6 }),
    primary: fc.option(branch, { nil: undefined }),
    fallbacks: fc.array(branch, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(input, ({ window, primary, fallbacks }) => {
      const known = new KnownCommits(window);
      if (primary) known.learn(branchOf('forgejo', ...primary));
      const counted = new Set((primary ?? []).slice(0, window));
      for (const fallback of fallbacks) {
        known.add(branchOf('git-fallback', ...fallback));
        for (const n of fallback.slice(0, window)) counted.add(n);
        for (let n = 0; n <= 15; n += 1) {
          // Two unrelated branches of one head and length are taken for one, which commits cannot be.
          if (counted.has(n) && primary) assert.ok(known.vouchedBy(commitOf(n)), `${n}`);
        }
        if (primary) assert.equal(known.head, commitOf(primary[0] ?? -1));
      }
    }),
    { numRuns: 500 },
  );
});
