// The primary source, the fallback that may add to it while it fails, and what gate.json remembers: what is known of the branch, and
// whether it is fresh enough to refuse.

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { BranchCache } from './branch-cache.ts';
import type { BranchKnowledge, CommitSource, SourceName } from './commit-source.ts';
import type { GateFileContent, GateFileState, GateFileWriter } from './gate-file.ts';
import { KnownCommits } from './known-commits.ts';

// How long a PUT waits for the branch to be read again before it is told that the gate cannot know.
const FRESHNESS_WAIT_MS = 2_000;
// How often the branch is read when nobody asks.
const IDLE_MS = 60_000;
const LEAST_REMEMBERED = 1_000;

export interface SourceChainOptions {
  primary: CommitSource;
  fallback?: CommitSource | undefined;
  remembered?: GateFileContent | undefined;
  file?: GateFileWriter | undefined;
  window: number;
  refreshMs: number;
  clock: Clock;
  logger: Logger;
}

export interface ChainState {
  source: SourceName | null;
  /** When the branch that is told was last confirmed, wall time. */
  refreshedAt: string | null;
  lastError: string | null;
}

export class SourceChain {
  readonly #options: SourceChainOptions;
  readonly #known: KnownCommits;
  readonly #primary: BranchCache;
  readonly #fallback: BranchCache | undefined;
  readonly #closing = new AbortController();
  readonly #idling: Promise<void>;
  #refreshedAt: string | null = null;
  #fallbackStandsIn = false;

  constructor(options: SourceChainOptions) {
    const { primary, fallback, remembered, window, refreshMs, clock, logger } = options;
    this.#options = options;
    this.#known = new KnownCommits(window);
    if (remembered && remembered.commits.length > 0) {
      const { commits, learned_from: learnedFrom, added_commits: added } = remembered;
      this.#known.remember({ commits, learnedFrom, added });
      this.#refreshedAt = remembered.refreshed_at_wall;
    }
    const shared = { refreshMs, clock, logger, closing: this.#closing.signal };
    this.#primary = new BranchCache(primary, {
      ...shared,
      headBefore: remembered?.learned_from === 'git-fallback' ? undefined : remembered?.commits[0],
      onLearned: (knowledge, hadFailed) => this.#learn(knowledge, hadFailed),
      onFailed: (isFirst) => this.#fallBack(isFirst),
    });
    this.#fallback =
      fallback &&
      new BranchCache(fallback, { ...shared, role: 'fallback', onLearned: (knowledge) => this.#add(knowledge) });
    // Learns the branch before the first episode comes, and says at once when it cannot.
    this.#primary.current();
    this.#idling = this.#keepReading();
  }

  /** What is known now; read again behind the caller's back when that was too long ago. */
  current(): KnownCommits {
    this.#primary.current();
    return this.#known;
  }

  /** As `current`, without reading anything. */
  get known(): KnownCommits {
    return this.#known;
  }

  get state(): ChainState {
    const { failure } = this.#primary;
    const also = failure !== null && this.#fallback?.failure ? `; the fallback too: ${this.#fallback.failure}` : '';
    return {
      source: this.#toldBy(),
      refreshedAt: this.#refreshedAt,
      lastError: failure === null ? null : failure + also,
    };
  }

  /**
   * Waits up to 2 s for the primary source to be read after this call: true when it was, and only then may a commit be refused. While
   * it fails, the fallback is read too; the waiting ends when that one makes `isFound` true.
   */
  async refreshed(isFound: () => boolean): Promise<boolean> {
    const { clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const askedAtOnce = this.#primary.failure !== null;
    const second = askedAtOnce ? this.#fallback?.refreshed(FRESHNESS_WAIT_MS) : undefined;
    const fresh = this.#primary.refreshed(FRESHNESS_WAIT_MS);
    // A primary source that hangs must not keep the fallback's word back.
    if (second && (await Promise.race([fresh, second.then(() => false)]))) return true;
    if (second && isFound()) return false;
    if (await fresh) return true;
    const leftMs = FRESHNESS_WAIT_MS - (clock.monotonicMs() - startedAtMs);
    if (second) await second;
    else if (this.#primary.failure !== null && leftMs > 0) await this.#fallback?.refreshed(leftMs);
    return false;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#idling;
    await this.#primary.settled();
    await this.#fallback?.settled();
    await this.#options.file?.settled();
  }

  async #keepReading(): Promise<void> {
    const { clock, refreshMs } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(Math.max(IDLE_MS, refreshMs), signal);
      if (!signal.aborted) this.#primary.current();
    }
  }

  #learn(knowledge: BranchKnowledge, hadFailed: boolean): void {
    const hasChanged = this.#known.learn(knowledge);
    this.#refreshedAt = this.#options.clock.wallTime();
    this.#fallbackStandsIn = false;
    this.#keep(hasChanged || hadFailed);
  }

  #fallBack(isFirst: boolean): void {
    if (isFirst) this.#keep(true);
    this.#fallback?.current();
  }

  #add(knowledge: BranchKnowledge): void {
    // The primary source has answered meanwhile: its word counts alone.
    if (this.#primary.failure === null) return;
    const { logger, clock } = this.#options;
    if (!this.#fallbackStandsIn) {
      logger.warn(
        { source: knowledge.source, head: knowledge.commits[0] },
        'version gate: the commits of the local repository count too until the source answers',
      );
    }
    this.#fallbackStandsIn = true;
    const hasChanged = this.#known.add(knowledge);
    if (this.#known.toldBy === 'git-fallback') this.#refreshedAt = clock.wallTime();
    if (hasChanged) this.#keep(true);
  }

  #toldBy(): SourceName | null {
    if (!this.#known.isKnown) return null;
    if (this.#primary.failure === null) return this.#known.toldBy ?? null;
    return this.#fallbackStandsIn ? 'git-fallback' : 'last-known-good';
  }

  #keep(isNews: boolean): void {
    this.#options.file?.note(isNews, () => this.#toKeep());
  }

  #toKeep(): GateFileState {
    const { commits, learnedFrom, added } = this.#known.toRemember(Math.max(LEAST_REMEMBERED, this.#options.window));
    const { source, refreshedAt, lastError } = this.state;
    return {
      commits: [...commits],
      learned_from: learnedFrom,
      added_commits: [...added],
      source,
      refreshed_at_wall: refreshedAt,
      last_error: lastError,
    };
  }
}
