import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform, Release } from '../../protocol/release.ts';
import { judgePublication } from './judge-publication.ts';

interface Differences {
  platform?: Platform;
  sha256?: string;
  bytes?: number;
  signers?: string[];
}

function release(number: number, letter: string, differences: Differences = {}): Release {
  const { platform = 'linux-x64', sha256 = letter.repeat(64), bytes = 7, signers = ['k1'] } = differences;
  const signatures = signers.map((key_id) => ({ key_id, signature: key_id }));
  return { release_number: number, commit: letter.repeat(40), platform, sha256, bytes, signatures };
}

const PUBLISHED = [release(3, 'a'), release(5, 'b')];

const TAKEN: [string, Release[], Release[], string[]][] = [
  ['the first of all', [], [release(1, 'a')], ['bundle']],
  ['a higher number', PUBLISHED, [release(6, 'c')], ['bundle']],
  ['a number with a gap before it', PUBLISHED, [release(90, 'c')], ['bundle']],
  ['a commit that was published, under a higher number', PUBLISHED, [release(6, 'a')], ['bundle']],
  ['that, of other bytes', PUBLISHED, [release(6, 'a', { bytes: 8 })], ['bundle']],
  ['the very same', PUBLISHED, [release(5, 'b')], ['nothing']],
  ['the very same as an older one', PUBLISHED, [release(3, 'a')], ['nothing']],
  ['the same for one more platform', PUBLISHED, [release(5, 'b', { platform: 'linux-arm64' })], ['bundle']],
  ['the same with one more signature', PUBLISHED, [release(5, 'b', { signers: ['k2', 'k1'] })], ['description']],
  ['the same with another signature', PUBLISHED, [release(5, 'b', { signers: ['k2'] })], ['description']],
];

for (const [what, published, offered, expected] of TAKEN) {
  test(`${what} may be published`, () => {
    assert.deepEqual(
      judgePublication(published, offered).map(({ task }) => task),
      expected,
    );
  });
}

const REFUSED: [string, Release[], RegExp][] = [
  ['a lower number', [release(4, 'c')], /release 4 is not above release 5, which is published/],
  ['a lower number of the newest commit', [release(4, 'b')], /not above release 5/],
  ['a number of another commit', [release(5, 'c')], /release 5 is published already, of commit bbbb/],
  ['that, for another platform', [release(5, 'c', { platform: 'linux-arm64' })], /already, of commit bbbb/],
  ['a number of an older commit', [release(3, 'c')], /release 3 is published already, of commit aaaa/],
  ['other bytes', [release(5, 'b', { sha256: 'c'.repeat(64) })], /release 5 is published already for linux-x64, with/],
  ['fewer bytes', [release(5, 'b', { bytes: 6 })], /with other bytes/],
];

for (const [what, offered, message] of REFUSED) {
  test(`${what} may not be published, and the hint has the next number`, () => {
    assert.throws(
      () => judgePublication(PUBLISHED, offered),
      (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'bad-input');
        assert.match(error.message, message);
        assert.match(error.hint ?? '', /--number 6/);
        return true;
      },
    );
  });
}

test('a signature that is published stays', () => {
  const [publication] = judgePublication(PUBLISHED, [release(5, 'b', { signers: ['k2'] })]);
  assert.deepEqual(
    publication?.release.signatures.map(({ key_id }) => key_id),
    ['k1', 'k2'],
  );
});
