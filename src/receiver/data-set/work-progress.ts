// How far a long work on the store is: one line that is drawn over on a terminal, elsewhere a line in the log every ten seconds.

import type { Clock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/format-duration.ts';
import { formatSize } from '../../lib/format-size.ts';
import type { Logger } from '../../lib/logger.ts';
import { formatBar, type Terminal, TerminalLine } from '../../lib/terminal-line.ts';

const LOG_EVERY_MS = 10_000;

export interface Work {
  what: 'episodes' | 'lines';
  done: number;
  /** Totals are absent where nobody knows them beforehand. */
  total?: number;
  bytes: { done: number; total?: number };
}

export interface WorkProgressOptions {
  /** What is being done: `verifying`. */
  name: string;
  terminal: Terminal | undefined;
  logger: Logger;
  clock: Clock;
}

export class WorkProgress {
  readonly #options: WorkProgressOptions;
  readonly #line: TerminalLine | undefined;
  readonly #startedAtMs: number;
  #loggedAtMs: number;
  #bytesBefore: number | undefined;

  constructor(options: WorkProgressOptions) {
    this.#options = options;
    this.#line = options.terminal && new TerminalLine(options.terminal, options.clock);
    this.#startedAtMs = options.clock.monotonicMs();
    this.#loggedAtMs = this.#startedAtMs;
  }

  /** Cheap: may be called with each chunk. */
  update(work: Work): void {
    // What an earlier run has done says nothing about the speed of this one.
    this.#bytesBefore ??= work.bytes.done;
    const nowMs = this.#options.clock.monotonicMs();
    const describe = () => describeWork(work, this.#bytesBefore ?? 0, (nowMs - this.#startedAtMs) / 1000);
    this.#line?.draw(() => `${this.#options.name} ${describe()}`);
    if (this.#line || nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#options.logger.info(`${this.#options.name}: ${describe()}`);
  }

  clear(): void {
    this.#line?.clear();
  }
}

/** `[####----] 3/12 episodes  1.2 GiB  50.0 MiB/s  1 min 3 s left` */
export function describeWork({ what, done, total, bytes }: Work, bytesBefore: number, elapsedS: number): string {
  const isCounted = bytes.total !== undefined && bytes.total > 0;
  const rate = elapsedS > 0 ? (bytes.done - bytesBefore) / elapsedS : 0;
  const left = isCounted && rate > 0 ? Math.max(0, (bytes.total ?? 0) - bytes.done) / rate : undefined;
  return [
    isCounted ? `${formatBar(bytes.done / (bytes.total ?? 1))} ` : '',
    total === undefined ? `${done} ${what}` : `${done}/${total} ${what}`,
    `  ${formatSize(bytes.done)}`,
    elapsedS > 0 ? `  ${formatSize(rate)}/s` : '',
    left === undefined ? '' : `  ${formatDuration(left)} left`,
  ].join('');
}
