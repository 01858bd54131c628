// Text that drives no terminal, whoever wrote it: a receiver, a file name, a log line.

/** On one line, without control and formatting characters. */
export function inertLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
    .trim();
}

/** Of several lines, each by itself; empty ones go. */
export function inertLines(text: string): string {
  return text
    .split('\n')
    .map(inertLine)
    .filter((line) => line !== '')
    .join('\n');
}
