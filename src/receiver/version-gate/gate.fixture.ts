// What the gate's tests share: a clock that stands until it is told, sources that answer when they are told, and commits by number.

import type { Clock } from '../../lib/clock.ts';
import { formatWallTime } from '../../lib/clock.ts';
import { parsePlainLogLine } from '../../lib/log-line.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import type { BranchKnowledge, CommitSource, SourceName } from './commit-source.ts';

const START = Temporal.Instant.from('2026-05-01T12:00:00Z');

export const commitOf = (n: number) => n.toString(16).padStart(40, '0');
export const branchOf = (source: SourceName, ...numbers: number[]): BranchKnowledge => ({
  commits: numbers.map(commitOf),
  source,
});

export class TestClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ dueMs: number; wake: () => void }>();

  wallTime(): string {
    return formatWallTime(START.add({ milliseconds: this.#nowMs }));
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal?.aborted) resolve();
    const sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    const forget = () => {
      this.#sleepers.delete(sleeper);
      resolve();
    };
    signal?.addEventListener('abort', forget, { once: true });
    return promise;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.dueMs > this.#nowMs) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** Answers when it is told to. */
export class HeldSource implements CommitSource {
  readonly readings: PromiseWithResolvers<BranchKnowledge>[] = [];

  read(closing?: AbortSignal): Promise<BranchKnowledge> {
    const reading = Promise.withResolvers<BranchKnowledge>();
    closing?.addEventListener('abort', () => reading.reject(new Error('closing')), { once: true });
    this.readings.push(reading);
    return reading.promise;
  }

  answer(knowledge: BranchKnowledge): void {
    this.readings.at(-1)?.resolve(knowledge);
  }

  fail(): void {
    this.readings.at(-1)?.reject(new Error('no route'));
  }
}

/** A logger, and what it was told: level, message, and its `source` where there is one. */
export function recordingLogger(clock: Clock): { logger: Logger; log: string[] } {
  const log: string[] = [];
  const write = (line: string) => {
    const { level = '', message = '', fields = {} } = parsePlainLogLine(line.trimEnd()) ?? {};
    log.push([level, message, fields['source'] && `source=${fields['source']}`].filter(Boolean).join(' '));
  };
  return { logger: createLogger({ level: 'info', form: 'plain', clock, write }), log };
}
