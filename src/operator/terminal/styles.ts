// What a view is drawn for: its colours, and the size that it must fit.

import { hasColours, type Paint, painter } from '../../lib/terminal-styles.ts';

export type { Style } from '../../lib/terminal-styles.ts';

export interface View {
  paint: Paint;
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
  return {
    paint: painter(hasColours(screen, environment)),
    // A terminal of which the size is not known says 0.
    columns: (screen.isTTY === true && screen.columns) || undefined,
    rows: (screen.isTTY === true && isWatched && screen.rows) || undefined,
  };
}
