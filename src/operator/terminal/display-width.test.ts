import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutToWidth, displayWidth, screenLines } from './display-width.ts';

const widths: [text: string, width: number][] = [
  ['', 0],
  ['lab-01', 6],
  ['naïve', 5],
  ['nai\u0308ve', 5],
  ['研究室', 6],
  ['ｌａｂ', 6],
  ['🔥 hot', 6],
  ['👩‍🔬', 2],
  ['한국', 4],
  ['–…', 2],
  ['a\u200bb', 2],
];

describe('width', () => {
  for (const [text, width] of widths)
    test(`${JSON.stringify(text)}: ${width}`, () => assert.equal(displayWidth(text), width));
});

const cuts: [text: string, width: number, cut: string][] = [
  ['silent', 6, 'silent'],
  ['silent', 5, 'sile…'],
  ['silent', 1, '…'],
  ['silent', 0, ''],
  ['研究室', 5, '研究…'],
  ['研究室', 4, '研…'],
  ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
];

describe('cut', () => {
  for (const [text, width, cut] of cuts) {
    test(`${text} to ${width}`, () => {
      assert.equal(cutToWidth(text, width), cut);
      assert.ok(displayWidth(cut) <= width);
    });
  }
});

const screens: [line: string, columns: number | undefined, lines: number][] = [
  ['', 10, 1],
  ['1234567890', 10, 1],
  ['12345678901', 10, 2],
  ['\x1b[31;1m1234567890\x1b[0m', 10, 1],
  ['12345678901', undefined, 1],
];

describe('lines of the screen', () => {
  for (const [line, columns, lines] of screens)
    test(`${JSON.stringify(line)} in ${columns}`, () => assert.equal(screenLines(line, columns), lines));
});
