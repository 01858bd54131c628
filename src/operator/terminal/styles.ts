// Colours that mean something, and nothing at all where nobody would see them.

const CODES = { bad: '31;1', warn: '33', good: '32', dim: '2', bold: '1', command: '36' } as const;
export type Style = keyof typeof CODES;

/** What a view is drawn for. */
export interface View {
  paint: (style: Style, text: string) => string;
  /** Cells of a line; undefined where lines are not to be cut. */
  columns: number | undefined;
  /** Lines of the screen; undefined where there is no end to them. */
  rows: number | undefined;
}

export interface Screen {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  rows?: number | undefined;
}

/** What is piped elsewhere is whole and has no colours. `isWatched`: what does not fit on the screen would be lost. */
export function viewFor(screen: Screen, environment: NodeJS.ProcessEnv, isWatched = false): View {
  const hasColours = screen.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  return {
    paint: hasColours ? (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m` : (_style, text) => text,
    // A terminal of which the size is not known says 0.
    columns: (screen.isTTY === true && screen.columns) || undefined,
    rows: (screen.isTTY === true && isWatched && screen.rows) || undefined,
  };
}
