// What the gate knows of the branch, kept fresh. One refresh at a time; a failed one never takes knowledge away.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CommitSource } from './commit-source.ts';
import type { BranchKnowledge } from './verdict.ts';

interface Refresh {
  done: Promise<boolean>;
}

export class BranchCache {
  readonly #source: CommitSource;
  readonly #refreshMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #knowledge: BranchKnowledge | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #running: Refresh | undefined;
  #next: Promise<boolean> | undefined;
  #failing = false;

  constructor(source: CommitSource, options: { refreshMs: number; clock: Clock; logger: Logger }) {
    this.#source = source;
    this.#refreshMs = options.refreshMs;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** What is known now. Starts a refresh behind the caller's back when the last began longer ago than `refreshMs`. */
  current(): BranchKnowledge | undefined {
    if (this.#clock.monotonicMs() - this.#lookedAtMs > this.#refreshMs && !this.#running) void this.#start();
    return this.#knowledge;
  }

  /**
   * Waits up to `timeoutMs` for a refresh that began after this call, so that what was pushed before it is seen. True when it
   * succeeded: only then may the absence of a commit be believed.
   */
  async refreshed(timeoutMs: number): Promise<boolean> {
    const refresh = this.#running ? this.#afterRunning(this.#running) : this.#start();
    const waiting = new AbortController();
    try {
      return await Promise.race([refresh, this.#clock.sleep(timeoutMs, waiting.signal).then(() => false)]);
    } finally {
      waiting.abort();
    }
  }

  #afterRunning(running: Refresh): Promise<boolean> {
    this.#next ??= running.done.then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<boolean> {
    this.#next = undefined;
    const refresh: Refresh = {
      done: this.#read().finally(() => {
        if (this.#running === refresh) this.#running = undefined;
      }),
    };
    this.#running = refresh;
    this.#lookedAtMs = this.#clock.monotonicMs();
    return refresh.done;
  }

  async #read(): Promise<boolean> {
    try {
      const knowledge = await this.#source.read();
      this.#noticeRewrite(knowledge);
      this.#knowledge = knowledge;
      if (this.#failing) this.#logger.info({ source: knowledge.source }, 'version gate: the source answers again');
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing) {
        this.#logger.warn(
          { reason: messageOf(error), cure: error instanceof AppError ? error.hint : undefined },
          'version gate: the source failed; what is known stays in force',
        );
      }
      this.#failing = true;
      return false;
    }
  }

  #noticeRewrite(next: BranchKnowledge): void {
    const before = this.#knowledge?.commits[0];
    if (before === undefined || next.commits.includes(before)) return;
    this.#logger.warn(
      { before, head: next.commits[0] },
      'version gate: the branch was rewritten; the new window counts at once',
    );
  }
}
