import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Release } from '../../protocol/release.ts';
import type { UpdateState } from '../../protocol/update-state.ts';
import { NEW, NEWER, OLD, signRelease } from './autoupdate.fixture.ts';
import { type JudgedBy, judgeHead } from './judge-head.ts';

const OURS = generateKeyPairSync('ed25519');
const THEIRS = generateKeyPairSync('ed25519');
const NOW = '2026-05-01T12:00:00.000000+00:00';
const UNSIGNED = { release_number: 7, commit: NEW, platform: 'linux-x64', sha256: '0'.repeat(64), bytes: 9 } as const;

function judge(release: Partial<Release> = {}, by: Partial<JudgedBy> = {}, key = OURS) {
  const head = signRelease({ ...UNSIGNED, ...release }, key);
  const judgedBy = { keys: [OURS.publicKey], platform: 'linux-x64' as const, pin: undefined, state: {}, running: OLD };
  return judgeHead(head, { ...judgedBy, atWall: NOW, ...by });
}

const bad = (notBefore: string, more: object = {}): UpdateState => ({
  bad: [{ commit: NEW, release_number: 7, tries: 1, not_before_wall: notBefore, ...more }],
});

describe('installed', () => {
  for (const [what, by] of [
    ['under the first number', {}],
    ['under a higher number', { state: { highest_release_number: 6, highest_release_commit: OLD } }],
    ['again under its own number', { state: { highest_release_number: 7, highest_release_commit: NEW } }],
    ['when it is pinned', { pin: NEW.slice(0, 7) }],
    ['when one of two keys is the signer’s', { keys: [THEIRS.publicKey, OURS.publicKey] }],
    ['when its time has come', { state: bad('2026-05-01T12:00:00.000000+00:00') }],
    ['when it failed under a lower number', { state: bad('2026-05-01T13:00:00.000000+00:00', { release_number: 6 }) }],
    ['when the clock was a year ahead', { state: bad('2027-05-01T12:00:00.000000+00:00') }],
    ['when its time cannot be read', { state: bad('tomorrow') }],
  ] satisfies [string, Partial<JudgedBy>][]) {
    test(what, () => assert.deepEqual(judge({}, by), { kind: 'install' }));
  }
});

test('what runs is current, whatever else is said of it', () => {
  assert.deepEqual(judge({ commit: OLD }, { pin: NEW, state: { highest_release_number: 9 } }), { kind: 'current' });
});

describe('left alone', () => {
  for (const [what, by, isBad, detail] of [
    ['older', { state: { highest_release_number: 8 } }, false, /is older than 8, the newest that ran here/],
    ['not what is pinned', { pin: OLD.slice(0, 7) }, false, /^pinned to aaaaaaa: bbbbbbbbbbbb is not installed$/],
    ['bad', { state: bad('2026-05-01T12:00:00.001000+00:00') }, true, /is not tried again before 2026-05-01T12:00:00/],
  ] satisfies [string, Partial<JudgedBy>, boolean, RegExp][]) {
    test(what, () => {
      const verdict = judge({}, by);
      assert.ok(verdict.kind === 'left-alone' && verdict.isBad === isBad);
      assert.match(verdict.detail, detail);
    });
  }
});

describe('refused', () => {
  test('another signer, no key, another text under the signature', () => {
    assert.throws(() => judge({}, {}, THEIRS), { code: 'release-untrusted' });
    assert.throws(() => judge({}, { keys: [] }), { code: 'release-untrusted' });
    const head = signRelease(UNSIGNED, OURS);
    const by = {
      keys: [OURS.publicKey],
      platform: 'linux-x64' as const,
      pin: undefined,
      state: {},
      running: OLD,
      atWall: NOW,
    };
    for (const change of [
      { release_number: 8 },
      { commit: OLD },
      { sha256: '1'.repeat(64) },
      { bytes: 10 },
      { signatures: [] },
    ])
      assert.throws(() => judgeHead({ ...head, ...change }, by), { code: 'release-untrusted' });
  });

  test('another platform', () => {
    assert.throws(() => judge({ platform: 'linux-arm64' }), { code: 'release-wrong-platform' });
  });

  test('another commit under a number that was seen', () => {
    const state = { highest_release_number: 7, highest_release_commit: NEWER };
    assert.throws(() => judge({}, { state }), { code: 'release-number-taken' });
    assert.throws(() => judge({ commit: NEWER }, { state: bad(NOW) }), { code: 'release-number-taken' });
  });
});
