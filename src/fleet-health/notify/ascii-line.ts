// Text for headers that carry ASCII alone.

import { inertLine } from '../../lib/inert-text.ts';

/** One line that ends no header, and no more than so many characters. */
export function asciiLine(text: string, mostCharacters: number): string {
  const line = inertLine(text).replace(/[^\x20-\x7e]/g, '?');
  return line.length <= mostCharacters ? line : `${line.slice(0, mostCharacters - 3)}...`;
}
