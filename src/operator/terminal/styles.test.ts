import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Screen, viewFor } from './styles.ts';

const TERMINAL = { isTTY: true, columns: 80, rows: 24 };

const colours: [name: string, screen: Screen, environment: NodeJS.ProcessEnv, has: boolean][] = [
  ['a terminal', TERMINAL, {}, true],
  ['a pipe', {}, {}, false],
  ['NO_COLOR', TERMINAL, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR does not count', TERMINAL, { NO_COLOR: '' }, true],
  ['a dumb terminal', TERMINAL, { TERM: 'dumb' }, false],
];

describe('colours', () => {
  for (const [name, screen, environment, has] of colours) {
    test(name, () => assert.equal(viewFor(screen, environment).paint('bad', 'x') !== 'x', has));
  }
});

test('what is piped is never cut; rows count on a screen that is watched alone', () => {
  const size = ({ columns, rows }: ReturnType<typeof viewFor>) => [columns, rows];
  assert.deepEqual(size(viewFor({ columns: 80, rows: 24 }, {}, true)), [undefined, undefined]);
  assert.deepEqual(size(viewFor(TERMINAL, {})), [80, undefined]);
  assert.deepEqual(size(viewFor(TERMINAL, {}, true)), [80, 24]);
  assert.deepEqual(size(viewFor({ ...TERMINAL, columns: 0, rows: 0 }, {}, true)), [undefined, undefined]);
});
