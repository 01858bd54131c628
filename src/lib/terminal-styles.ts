// Colours that mean something, and none where nobody would see them: the one place that knows their codes and when they are shown.

const CODES = {
  bad: '31;1',
  warn: '33',
  good: '32',
  unknown: '35',
  dim: '2',
  bold: '1',
  command: '36',
  value: '34',
} as const;

export type Style = keyof typeof CODES;
export type Paint = (style: Style, text: string) => string;

/** `NO_COLOR` (no-color.org) stands above `FORCE_COLOR`, and that above what the output is; either counts when it is not empty. */
export function hasColours(output: { isTTY?: boolean | undefined }, environment: NodeJS.ProcessEnv): boolean {
  if (environment['NO_COLOR']) return false;
  const forced = environment['FORCE_COLOR'];
  if (forced) return forced !== '0' && forced !== 'false';
  return output.isTTY === true && environment['TERM'] !== 'dumb';
}

export function painter(inColours: boolean): Paint {
  return inColours ? (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m` : (_style, text) => text;
}
