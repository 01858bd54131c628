// What one source last told of the branch, kept fresh. One refresh at a time; a failed one never takes knowledge away.

import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { BranchKnowledge, CommitSource } from './commit-source.ts';

interface Refresh {
  done: Promise<boolean>;
}

export interface BranchCacheOptions {
  refreshMs: number;
  clock: Clock;
  logger: Logger;
  /** What the log calls it. */
  role?: 'source' | 'fallback';
  /** Head of the branch as an earlier process knew it. */
  headBefore?: string | undefined;
  /** Ends what is under way, and lets nothing new begin. */
  closing?: AbortSignal;
  /** Told before whoever waits for the reading. */
  onLearned?: (knowledge: BranchKnowledge, hadFailed: boolean) => void;
  onFailed?: (isFirst: boolean) => void;
}

export class BranchCache {
  readonly #source: CommitSource;
  readonly #options: BranchCacheOptions;
  readonly #role: string;
  #knowledge: BranchKnowledge | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #running: Refresh | undefined;
  #next: Promise<boolean> | undefined;
  #failure: string | null = null;

  constructor(source: CommitSource, options: BranchCacheOptions) {
    this.#source = source;
    this.#options = options;
    this.#role = options.role ?? 'source';
  }

  /** What was wrong with the last reading; null when it succeeded or none has ended yet. */
  get failure(): string | null {
    return this.#failure;
  }

  /** What is known now. Starts a refresh behind the caller's back when the last began longer ago than `refreshMs`. */
  current(): BranchKnowledge | undefined {
    const { clock, refreshMs } = this.#options;
    if (clock.monotonicMs() - this.#lookedAtMs > refreshMs && !this.#running) void this.#start();
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
      return await Promise.race([refresh, this.#options.clock.sleep(timeoutMs, waiting.signal).then(() => false)]);
    } finally {
      waiting.abort();
    }
  }

  /** Resolves when nothing is under way any more; for after `closing`. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running.done;
  }

  #afterRunning(running: Refresh): Promise<boolean> {
    this.#next ??= running.done.then(() => this.#start());
    return this.#next;
  }

  #start(): Promise<boolean> {
    this.#next = undefined;
    if (this.#options.closing?.aborted) return Promise.resolve(false);
    const refresh: Refresh = {
      done: this.#read().finally(() => {
        if (this.#running === refresh) this.#running = undefined;
      }),
    };
    this.#running = refresh;
    this.#lookedAtMs = this.#options.clock.monotonicMs();
    return refresh.done;
  }

  async #read(): Promise<boolean> {
    const { closing } = this.#options;
    let knowledge: BranchKnowledge;
    try {
      knowledge = await this.#source.read(closing);
    } catch (error) {
      if (!closing?.aborted) this.#noteFailure(error);
      return false;
    }
    if (closing?.aborted) return false;
    this.#noteSuccess(knowledge);
    return true;
  }

  #noteSuccess(knowledge: BranchKnowledge): void {
    const { logger, onLearned } = this.#options;
    const hadFailed = this.#failure !== null;
    if (this.#role === 'source') this.#noticeRewrite(knowledge);
    this.#knowledge = knowledge;
    this.#failure = null;
    if (hadFailed) logger.info({ source: knowledge.source }, `version gate: the ${this.#role} answers again`);
    onLearned?.(knowledge, hadFailed);
  }

  #noteFailure(error: unknown): void {
    const { logger, onFailed } = this.#options;
    const isFirst = this.#failure === null;
    this.#failure = messageOf(error);
    if (isFirst) {
      logger.warn(
        { reason: this.#failure, cure: error instanceof AppError ? error.hint : undefined },
        `version gate: the ${this.#role} failed; what is known stays in force`,
      );
    }
    onFailed?.(isFirst);
  }

  #noticeRewrite(next: BranchKnowledge): void {
    const before = this.#knowledge?.commits[0] ?? this.#options.headBefore;
    if (before === undefined || next.commits.includes(before)) return;
    this.#options.logger.warn(
      { before, head: next.commits[0] },
      'version gate: the branch was rewritten; the new window counts at once',
    );
  }
}
