// The progress of `--once` on a terminal.

import type { Clock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/format-duration.ts';
import { formatSize } from '../../lib/format-size.ts';
import { formatBar, type Terminal, TerminalLine } from '../../lib/terminal-line.ts';

export class ProgressLine {
  readonly #line: TerminalLine;
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  #total = 0;
  #done = 0;
  #sentBytes = 0;

  constructor(terminal: Terminal, clock: Clock) {
    this.#line = new TerminalLine(terminal, clock);
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
    this.#line.clear();
  }

  #draw(now: boolean): void {
    if (this.#total === 0) return;
    const elapsedS = () => (this.#clock.monotonicMs() - this.#startedAtMs) / 1000;
    this.#line.draw(() => describeProgress(this.#done, this.#total, this.#sentBytes, elapsedS()), now);
  }
}

/** Time left is told from the episodes done so far: sizes of those not packed yet are not known. */
export function describeProgress(done: number, total: number, sentBytes: number, elapsedS: number): string {
  const rate = elapsedS > 0 ? `${formatSize(sentBytes / elapsedS)}/s` : '';
  const left = done > 0 && done < total ? `  ${formatDuration((elapsedS / done) * (total - done))} left` : '';
  return `${formatBar(done / total)} ${done}/${total} episodes  ${formatSize(sentBytes)}  ${rate}${left}`;
}
