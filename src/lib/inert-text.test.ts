import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inertJson, inertLine, inertLines } from './inert-text.ts';

const lines: [text: string, inert: string][] = [
  ['as it is – 研究室', 'as it is – 研究室'],
  ['\x1b[2J\x1b]0;title\x07', '?[2J?]0;title?'],
  ['\x9b31m', '?31m'],
  ['two\nlines\tand  more\r', 'two lines and more'],
  ['evil\u202egnp.exe', 'evil?gnp.exe'],
];

describe('on one line', () => {
  for (const [text, inert] of lines) test(JSON.stringify(text), () => assert.equal(inertLine(text), inert));
});

test('several lines stay several', () => {
  assert.deepEqual(inertLines('df -h\n\n  rm\x1b[A x\n'), ['df -h', 'rm?[A x']);
});

test('JSON means the same, and drives nothing', () => {
  const value = { text: 'a\u009b31m\u202e\u{e0001}é', list: [1] };
  const json = `${JSON.stringify(value, null, 2)}\n`;
  assert.match(json, /\u009b/);
  const inert = inertJson(json);
  assert.doesNotMatch(inert, /(?!\n)[\p{Cc}\p{Cf}]/u);
  assert.deepEqual(JSON.parse(inert), value);
});
