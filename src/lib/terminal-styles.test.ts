import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasColours, painter } from './terminal-styles.ts';

const TERMINAL = { isTTY: true };

const cases: [name: string, output: { isTTY?: boolean }, environment: NodeJS.ProcessEnv, has: boolean][] = [
  ['a terminal', TERMINAL, { TERM: 'xterm' }, true],
  ['a terminal that does not say which', TERMINAL, {}, true],
  ['a pipe', {}, {}, false],
  ['NO_COLOR', TERMINAL, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR does not count', TERMINAL, { NO_COLOR: '' }, true],
  ['a dumb terminal', TERMINAL, { TERM: 'dumb' }, false],
  ['FORCE_COLOR in a pipe', {}, { FORCE_COLOR: '1' }, true],
  ['FORCE_COLOR on a dumb terminal', TERMINAL, { FORCE_COLOR: '3', TERM: 'dumb' }, true],
  ['an empty FORCE_COLOR does not count', {}, { FORCE_COLOR: '' }, false],
  ['FORCE_COLOR=0 on a terminal', TERMINAL, { FORCE_COLOR: '0' }, false],
  ['FORCE_COLOR=false on a terminal', TERMINAL, { FORCE_COLOR: 'false' }, false],
  ['NO_COLOR against FORCE_COLOR', TERMINAL, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
];

describe('colours are shown', () => {
  for (const [name, output, environment, has] of cases) {
    test(`${name}: ${has ? 'yes' : 'no'}`, () => assert.equal(hasColours(output, environment), has));
  }
});

test('a style begins and ends with its text', () => {
  assert.equal(painter(true)('bad', 'x'), '\x1b[31;1mx\x1b[0m');
  assert.equal(painter(false)('bad', 'x'), 'x');
});
