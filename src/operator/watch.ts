// A view that is drawn again and again, on a screen of its own that leaves the terminal as it was, however the watching ends.

import { messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { inertLine } from '../lib/inert-text.ts';
import { screenLines } from './terminal/display-width.ts';
import { type Screen, type View, viewFor } from './terminal/styles.ts';

const REDRAW_MS = 5_000;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_TO_SCREEN_END = '\x1b[J';

export interface WatchedOutput extends Screen {
  write(text: string): unknown;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface WatchOptions<Value> {
  /** A failure of the first reading is thrown; one after it is told above what was read last. */
  read: () => Promise<Value>;
  draw: (value: Value, view: View) => string[];
  output: WatchedOutput;
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  stop: AbortSignal;
}

export async function watch<Value>({
  read,
  draw,
  output,
  environment,
  clock,
  stop,
}: WatchOptions<Value>): Promise<void> {
  const isScreen = output.isTTY === true;
  let last = await read();
  let failure: string | undefined;
  const show = () => {
    const view = viewFor(output, environment, true);
    // The failure takes a line of the screen.
    const room = failure === undefined || view.rows === undefined ? view : { ...view, rows: view.rows - 1 };
    const lines = draw(last, room);
    if (failure !== undefined) lines.unshift(view.paint('bad', `${failure}; tried again, below is what was read last`));
    output.write(isScreen ? onScreen(lines, output) : `${lines.join('\n')}\n\n`);
  };
  if (isScreen) output.write(ENTER);
  output.on?.('resize', show);
  try {
    for (;;) {
      show();
      await clock.sleep(REDRAW_MS, stop);
      if (stop.aborted) return;
      try {
        last = await read();
        failure = undefined;
      } catch (error) {
        failure = inertLine(messageOf(error));
      }
      if (stop.aborted) return;
    }
  } finally {
    output.off?.('resize', show);
    if (isScreen) output.write(LEAVE);
  }
}

/** No more lines than the screen has: the top ones would scroll away. */
function onScreen(lines: readonly string[], { rows, columns }: WatchedOutput): string {
  const shown: string[] = [];
  let left = rows || Number.POSITIVE_INFINITY;
  for (const line of lines) {
    left -= screenLines(line, columns);
    if (left < 0) break;
    shown.push(line);
  }
  return HOME + shown.map((line) => line + CLEAR_TO_LINE_END).join('\r\n') + CLEAR_TO_SCREEN_END;
}
