import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform, Release } from '../../protocol/release.ts';
import type { RollOut } from '../../storage/roll-out.ts';
import { chooseRelease, isInRollOut } from './choose-release.ts';

const commitOf = (letter: string) => letter.repeat(40);

function release(number: number, letter: string, platform: Platform = 'linux-x64'): Release {
  return { release_number: number, commit: commitOf(letter), platform, sha256: '', bytes: 1, signatures: [] };
}

function decided(letter: string, percent: number, paused = false): RollOut {
  return { commit: commitOf(letter), percent, paused, decidedAt: '', by: '' };
}

// Of commit bbb…: in at 10 %, in at 50 %, and in only when all are.
const [EARLY, MIDDLE, LATE] = ['lab-15', 'lab-7', 'lab-19'] as const;
const [A1, B2, C3] = [release(1, 'a'), release(2, 'b'), release(3, 'c')];

const CASES: [string, Release[], RollOut[], (string | undefined)[], (number | undefined)[]][] = [
  ['nothing is published', [], [decided('a', 100)], [EARLY, undefined], [undefined, undefined]],
  ['one goes to all', [A1], [decided('a', 100)], [EARLY, undefined], [1, 1]],
  ['nothing was decided of it yet', [A1], [], [EARLY, undefined], [undefined, undefined]],
  ['the newest is decided of later', [A1, B2], [decided('a', 100)], [EARLY, undefined], [1, 1]],
  [
    'the newest goes to 10 %',
    [A1, B2],
    [decided('a', 100), decided('b', 10)],
    [EARLY, MIDDLE, LATE, undefined],
    [2, 1, 1, 1],
  ],
  ['the newest goes to 50 %', [A1, B2], [decided('a', 100), decided('b', 50)], [EARLY, MIDDLE, LATE], [2, 2, 1]],
  ['the newest goes to nobody', [A1, B2], [decided('a', 100), decided('b', 0)], [EARLY, LATE], [1, 1]],
  ['the newest goes to all', [A1, B2], [decided('a', 100), decided('b', 100)], [EARLY, LATE, undefined], [2, 2, 2]],
  ['they are in any order', [B2, A1], [decided('b', 100), decided('a', 100)], [EARLY, undefined], [2, 2]],
  ['the newest is paused', [A1, B2], [decided('a', 100), decided('b', 50, true)], [EARLY, undefined], [1, 1]],
  ['the newest is paused at all', [A1, B2], [decided('a', 100), decided('b', 100, true)], [EARLY, undefined], [1, 1]],
  ['the only one is paused', [A1], [decided('a', 100, true)], [EARLY, undefined], [undefined, undefined]],
  [
    'one between went to a part only',
    [A1, B2, C3],
    [decided('a', 100), decided('b', 50), decided('c', 0)],
    [EARLY, undefined],
    [1, 1],
  ],
  [
    'the newest is of another platform',
    [A1, release(2, 'b', 'linux-arm64')],
    [decided('a', 100), decided('b', 100)],
    [EARLY, undefined],
    [1, 1],
  ],
  [
    'a commit comes back under a higher number, to a part first',
    [A1, B2, release(3, 'a')],
    [decided('a', 0), decided('b', 100)],
    [EARLY, undefined],
    [2, 2],
  ],
];

for (const [what, releases, rollOuts, hosts, expected] of CASES) {
  test(what, () => {
    const numbers = hosts.map(
      (hostId) => chooseRelease(releases, rollOuts, { platform: 'linux-x64', hostId })?.release_number,
    );
    assert.deepEqual(numbers, expected);
  });
}

test('a roll-out reaches its part of the fleet, keeps whom it has reached, and begins with others for each commit', () => {
  const hosts = Array.from({ length: 2000 }, (_, n) => `host-${n}`);
  const reached = (commit: string, percent: number) =>
    new Set(hosts.filter((host) => isInRollOut(commit, host, percent)));
  const shares = [0, 1, 10, 50, 99, 100].map((percent) => reached(commitOf('a'), percent));
  assert.deepEqual([shares[0]?.size, shares[5]?.size], [0, 2000]);
  for (const [n, share] of shares.entries()) assert.ok(n === 0 || shares[n - 1]?.isSubsetOf(share));
  assert.ok(Math.abs((shares[2]?.size ?? 0) - 200) < 60, `${shares[2]?.size} of 200`);
  const both = reached(commitOf('a'), 10).intersection(reached(commitOf('b'), 10));
  assert.ok(both.size < 60, `${both.size} are first twice`);
});

test('whom a roll-out reaches is what everybody can compute', () => {
  // printf 'COMMIT|lab-1' | sha256sum, the first 8 digits as a part of 2^32.
  const share = 100 * (0x0e8eee48 / 2 ** 32);
  assert.equal(isInRollOut(commitOf('a'), 'lab-1', Math.ceil(share)), true);
  assert.equal(isInRollOut(commitOf('a'), 'lab-1', Math.floor(share)), false);
});
