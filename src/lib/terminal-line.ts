// One line of a terminal that is drawn over and over, and removed before anything else is written.

import type { Clock } from './clock.ts';

const REDRAW_MS = 100;
const BAR_CELLS = 24;
/** Written before anything else that goes to the same terminal. */
export const CLEAR_LINE = '\r\x1b[2K';

export interface Terminal {
  write(text: string): void;
}

export class TerminalLine {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** At most ten times a second, unless it must be now. */
  draw(text: () => string, now = false): void {
    const nowMs = this.#clock.monotonicMs();
    if (!now && nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    this.#terminal.write(CLEAR_LINE + text());
  }

  clear(): void {
    this.#terminal.write(CLEAR_LINE);
  }
}

/** `[######------------------]` */
export function formatBar(fraction: number): string {
  const cells = Math.floor(Math.min(1, Math.max(0, fraction)) * BAR_CELLS);
  return `[${'#'.repeat(cells)}${'-'.repeat(BAR_CELLS - cells)}]`;
}
