// The progress of `--once` on a terminal: one line that is drawn over, and removed before anything else is written.

import type { Clock } from '../../lib/clock.ts';

const REDRAW_MS = 100;
const BAR_CELLS = 24;
const CLEAR_LINE = '\r\x1b[2K';

export interface Terminal {
  write(text: string): void;
}

export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #total = 0;
  #done = 0;
  #sentBytes = 0;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  counted(done: number, total: number): void {
    this.#done = done;
    this.#total = total;
    this.#draw(done === 0 || done === total);
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
    this.#draw(false);
  }

  clear(): void {
    this.#terminal.write(CLEAR_LINE);
  }

  #draw(now: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#total === 0 || (!now && nowMs - this.#drawnAtMs < REDRAW_MS)) return;
    this.#drawnAtMs = nowMs;
    this.#terminal.write(
      CLEAR_LINE + describeProgress(this.#done, this.#total, this.#sentBytes, (nowMs - this.#startedAtMs) / 1000),
    );
  }
}

/** Time left is told from the episodes done so far: sizes of those not packed yet are not known. */
export function describeProgress(done: number, total: number, sentBytes: number, elapsedS: number): string {
  const cells = Math.floor((done / total) * BAR_CELLS);
  const bar = '#'.repeat(cells) + '-'.repeat(BAR_CELLS - cells);
  const rate = elapsedS > 0 ? `${formatBytes(sentBytes / elapsedS)}/s` : '';
  const left = done > 0 && done < total ? `  ${formatDuration((elapsedS / done) * (total - done))} left` : '';
  return `[${bar}] ${done}/${total} episodes  ${formatBytes(sentBytes)}  ${rate}${left}`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

function formatDuration(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
