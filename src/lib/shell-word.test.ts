import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { shellWord } from './shell-word.ts';

test('a shell reads each word back as it was', () => {
  for (const text of [
    'plain/path.tar.zst',
    '',
    'a b',
    "it's",
    '$(id)`id`"x"\\',
    'ä',
    'new\nline',
    "\x1b[2Kit's\\",
    '\u202e',
  ]) {
    const word = shellWord(text);
    assert.equal(execFileSync('bash', ['-c', `printf %s ${word}`], { encoding: 'utf8' }), text, JSON.stringify(word));
    assert.doesNotMatch(word, /\p{Cc}|\p{Cf}/u);
  }
  assert.equal(shellWord('plain/path.tar.zst'), 'plain/path.tar.zst');
});
