// Text that drives no terminal and hides nothing, whoever wrote it: a lab host's report, a file name, a program's answer.

/** On one line, without control and formatting characters, cut to a length. */
export function inertLine(text: string, longest = 600): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
    .trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}
