import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainView } from '../operator.fixture.ts';
import { displayWidth } from './display-width.ts';
import { type Column, formatColumns } from './format-columns.ts';

interface Row {
  name: string;
  count: number;
  note: string;
}

const COLUMNS: Column<Row>[] = [
  { title: 'NAME', text: ({ name }) => name },
  { title: 'COUNT', text: ({ count }) => String(count), isNumber: true, rank: 1 },
  { title: 'NOTE', text: ({ note }) => note, style: () => 'bad', narrowest: 6, rank: 2 },
];
const ROWS: Row[] = [
  { name: '研究室', count: 7, note: 'a long note indeed' },
  { name: 'lab-1', count: 1234, note: '' },
];

const cases: [columns: number | undefined, lines: string[]][] = [
  [undefined, ['NAME    COUNT  NOTE', '研究室      7  a long note indeed', 'lab-1    1234']],
  [33, ['NAME    COUNT  NOTE', '研究室      7  a long note indeed', 'lab-1    1234']],
  [25, ['NAME    COUNT  NOTE', '研究室      7  a long no…', 'lab-1    1234']],
  [21, ['NAME    COUNT  NOTE', '研究室      7  a lon…', 'lab-1    1234']],
  // The least important goes, and what was narrowed for it has its room again.
  [20, ['NAME    NOTE', '研究室  a long note…', 'lab-1']],
  [13, ['NAME', '研究室', 'lab-1']],
  [3, ['NAME', '研究室', 'lab-1']],
];

for (const [columns, lines] of cases) {
  test(`in ${columns ?? 'endless'} cells`, () => {
    assert.deepEqual(formatColumns(COLUMNS, ROWS, plainView(columns)), lines);
    if (columns !== undefined && columns > 6) assert.ok(lines.every((line) => displayWidth(line) <= columns));
  });
}

test('styles take no room', () => {
  const painted = formatColumns(COLUMNS, ROWS, { ...plainView(33), paint: (_style, text) => `<${text}>` });
  assert.deepEqual(painted, ['<NAME    COUNT  NOTE>', '研究室      7  <a long note indeed>', 'lab-1    1234']);
});
