import assert from 'node:assert/strict';
import { basename, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { episodeTarget, hostIdSchema, isEpisodeId, isHostId } from './ids.ts';

const either: [text: string, isId: boolean][] = [
  ['lab-07', true],
  ['7', true],
  ['a.b_c-d', true],
  ['a..b', true],
  ['x.tar.zst', true],
  ['', false],
  ['.', false],
  ['..', false],
  ['.hidden', false],
  ['-rf', false],
  ['_x', false],
  ['a/b', false],
  ['a\\b', false],
  ['a b', false],
  ['a\n', false],
  ['\na', false],
  ['a\0', false],
  ['a%2f', false],
  ['a~b', false],
  ['é', false],
  ['a\u0301', false],
];

for (const [text, isId] of either) {
  test(`${JSON.stringify(text)} is ${isId ? 'an' : 'no'} id of a host and of an episode`, () => {
    assert.equal(isHostId(text), isId);
    assert.equal(hostIdSchema.safeParse(text).success, isId);
    assert.equal(isEpisodeId(text), isId);
  });
}

describe('length', () => {
  for (const [length, host, episode] of [
    [64, true, true],
    [65, false, true],
    [128, false, true],
    [129, false, false],
  ] as const) {
    test(`${length} characters`, () => {
      assert.equal(isHostId('h'.repeat(length)), host);
      assert.equal(isEpisodeId('e'.repeat(length)), episode);
    });
  }
});

test('whatever is accepted is one plain path segment and one plain URL segment', () => {
  const almostId = fc.string({
    unit: fc.constantFrom(...'aZ09._-', '/', '\\', '~', '%', '\0', '\n', '\r', ' ', ':', '?', '#', 'é', '\u2028'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.oneof(almostId, fc.string({ unit: 'binary' })), (text) => {
      if (!isEpisodeId(text) && !isHostId(text)) return;
      assert.equal(normalize(text), text);
      assert.equal(basename(text), text);
      assert.equal(join('/root', text), `/root/${text}`);
      assert.ok(text !== '.' && text !== '..');
      assert.equal(encodeURIComponent(text), text);
      assert.equal(new URL(`http://x/a/${text}`).pathname, `/a/${text}`);
      assert.ok(Buffer.byteLength(text) <= 128);
    }),
    { numRuns: 2_000 },
  );
});

test('the target of an episode', () => {
  assert.equal(episodeTarget('lab-07', 'e.1'), '/v1/episodes/lab-07/e.1.tar.zst');
});
