// How many cells and lines of a terminal a text takes: none for what is drawn over the character before, two for wide characters and emoji.

import { stripVTControlCharacters } from 'node:util';

const PLAIN = /^[\x20-\x7e]*$/;
// Unicode Standard Annex 11, classes W and F, as ranges that hold for every version so far.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]/u;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
const MORE = '…';

export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** At most `width` cells; what was cut off is marked by `…`. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let cut = '';
  let taken = 0;
  for (const { segment } of GRAPHEMES.segment(text)) {
    taken += graphemeWidth(segment);
    if (taken > width - 1) break;
    cut += segment;
  }
  return width < 1 ? '' : `${cut}${MORE}`;
}

/** Lines of a screen of so many columns, which breaks what is longer. Styles take no room. */
export function screenLines(line: string, columns: number | undefined): number {
  if (!columns) return 1;
  return Math.max(1, Math.ceil(displayWidth(stripVTControlCharacters(line)) / columns));
}

function graphemeWidth(grapheme: string): number {
  if (NO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}
