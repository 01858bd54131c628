import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rowOf } from './export.fixture.ts';
import { isSelected, parseSelection, type SelectionWords, selectionAsOptions } from './selection.ts';

const NONE: SelectionWords = { hosts: [], commits: [], since: undefined, until: undefined };
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];

describe('what is asked for, in one form', () => {
  for (const [words, options] of [
    [{}, ''],
    [{ hosts: ['lab-2', 'lab-1', 'lab-2'] }, '--host lab-1 --host lab-2'],
    [{ commits: [B, A.toUpperCase()] }, `--commit ${A} --commit ${B}`],
    [{ since: '2026-05-01' }, '--since 2026-05-01T00:00:00.000000+00:00'],
    [
      { since: '2026-05-01T02:00:00+02:00', until: '2026-05-01T00:00:00.000001Z' },
      '--since 2026-05-01T00:00:00.000000+00:00 --until 2026-05-01T00:00:00.000001+00:00',
    ],
  ] as [Partial<SelectionWords>, string][]) {
    test(options || 'all', () => assert.equal(selectionAsOptions(parseSelection({ ...NONE, ...words })), options));
  }

  for (const [words, message] of [
    [{ hosts: ['../x'] }, /--host/],
    [{ commits: ['abc'] }, /--commit abc is no full commit/],
    [{ since: 'yesterday' }, /--since yesterday is no time/],
    [{ until: '2026-05-01T06:00:00' }, /--until/],
    [{ since: '2026-05-02', until: '2026-05-01' }, /nothing lies/],
    [{ since: '2026-05-02', until: '2026-05-02' }, /nothing lies/],
  ] as [Partial<SelectionWords>, RegExp][]) {
    test(`refused: ${JSON.stringify(words)}`, () => {
      assert.throws(() => parseSelection({ ...NONE, ...words }), { code: 'bad-input', message });
    });
  }
});

describe('which rows', () => {
  const at = '2026-05-01T06:37:53.830599+00:00';
  const row = rowOf('lab-1/e', 'x', { commit: A, received_at_wall: at });
  for (const [words, expected] of [
    [{}, true],
    [{ hosts: ['lab-1', 'lab-2'] }, true],
    [{ hosts: ['lab-2'] }, false],
    [{ commits: [A] }, true],
    [{ commits: [B] }, false],
    [{ hosts: ['lab-1'], commits: [B] }, false],
    [{ since: at }, true],
    [{ since: '2026-05-01T06:37:53.830600Z' }, false],
    [{ until: at }, false],
    [{ until: '2026-05-01T06:37:53.830600Z' }, true],
  ] as [Partial<SelectionWords>, boolean][]) {
    test(JSON.stringify(words), () => assert.equal(isSelected(row, parseSelection({ ...NONE, ...words })), expected));
  }

  test('a row without a commit, or with a time that is none', () => {
    assert.equal(isSelected(rowOf('lab-1/e', 'x'), parseSelection({ ...NONE, commits: [A] })), false);
    const untimed = rowOf('lab-1/e', 'x', { received_at_wall: 'long ago' });
    assert.equal(isSelected(untimed, parseSelection(NONE)), true);
    assert.equal(isSelected(untimed, parseSelection({ ...NONE, since: '2000-01-01' })), false);
  });
});
