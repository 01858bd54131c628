// Text that drives no terminal and ends no header, whoever wrote it.

/** On one line, without control and formatting characters. */
export function inertLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
    .trim();
}

/** For headers that carry ASCII alone, and no more than so many characters. */
export function asciiLine(text: string, mostCharacters: number): string {
  const line = inertLine(text).replace(/[^\x20-\x7e]/g, '?');
  return line.length <= mostCharacters ? line : `${line.slice(0, mostCharacters - 3)}...`;
}
