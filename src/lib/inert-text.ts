// Text that drives no terminal, whoever wrote it: a host, a receiver, a reason that somebody gave.

/** On one line, without control and formatting characters. */
export function inertLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
    .trim();
}

/** Each line by itself; empty ones go. */
export function inertLines(text: string): string[] {
  return text
    .split('\n')
    .map(inertLine)
    .filter((line) => line !== '');
}

/** Its first characters, with a mark where it was longer. */
export function cutShort(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** JSON that means the same: line ends and tabs can only stand between its words, anything else that drives a terminal only within a string. */
export function inertJson(json: string): string {
  return json.replace(/(?![\n\r\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
