import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewFor } from './styles.ts';

const TERMINAL = { isTTY: true, columns: 80, rows: 24 };

test('colours are those of the screen and the environment', () => {
  assert.notEqual(viewFor(TERMINAL, {}).paint('bad', 'x'), 'x');
  assert.equal(viewFor(TERMINAL, { NO_COLOR: '1' }).paint('bad', 'x'), 'x');
});

test('what is piped is never cut; rows count on a screen that is watched alone', () => {
  const size = ({ columns, rows }: ReturnType<typeof viewFor>) => [columns, rows];
  assert.deepEqual(size(viewFor({ columns: 80, rows: 24 }, {}, true)), [undefined, undefined]);
  assert.deepEqual(size(viewFor(TERMINAL, {})), [80, undefined]);
  assert.deepEqual(size(viewFor(TERMINAL, {}, true)), [80, 24]);
  assert.deepEqual(size(viewFor({ ...TERMINAL, columns: 0, rows: 0 }, {}, true)), [undefined, undefined]);
});
