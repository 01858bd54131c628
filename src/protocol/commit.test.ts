import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCommit } from './commit.ts';

const SHA1 = '0123456789abcdef0123456789abcdef01234567';
const SHA256 = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

const cases: [title: string, text: string, commit: string | undefined][] = [
  ['SHA-1', SHA1, SHA1],
  ['SHA-256', SHA256, SHA256],
  ['upper case', SHA1.toUpperCase(), SHA1],
  ['white space around it', `  ${SHA1}\r\n`, SHA1],
  ['nothing', '', undefined],
  ['an abbreviation', SHA1.slice(0, 39), undefined],
  ['41 digits', `${SHA1}0`, undefined],
  ['63 digits', SHA256.slice(1), undefined],
  ['65 digits', `${SHA256}0`, undefined],
  ['another letter', `g${SHA1.slice(1)}`, undefined],
  ['white space inside', `${SHA1.slice(0, 20)} ${SHA1.slice(21)}`, undefined],
  ['two of them', `${SHA1}\n${SHA1}`, undefined],
  ['two of them, joined as repeated headers are', `${SHA1}, ${SHA1}`, undefined],
  ['a name', 'main', undefined],
];

for (const [title, text, commit] of cases) test(title, () => assert.equal(parseCommit(text), commit));

test('what is accepted is plain lower-case hex', () => {
  const hexOfAnyCase = fc.string({
    unit: fc.constantFrom(...'0123456789abcdefABCDEFg\u212a'),
    minLength: 38,
    maxLength: 66,
  });
  fc.assert(
    fc.property(hexOfAnyCase, (text) => {
      const isCommit = /^[0-9a-f]+$/i.test(text) && (text.length === 40 || text.length === 64);
      assert.equal(parseCommit(text), isCommit ? text.toLowerCase() : undefined);
    }),
  );
});
