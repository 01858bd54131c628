// Which commits are known, from whom, and how far behind the head. The primary source's word replaces all; what others say only
// ever adds. Each look-up is one of a map.

import type { BranchKnowledge, SourceName } from './commit-source.ts';

interface Branch {
  commits: readonly string[];
  positions: ReadonlyMap<string, number>;
  learnedFrom: SourceName;
  isRemembered: boolean;
}

/** What gate.json keeps of it. */
export interface RememberedCommits {
  commits: readonly string[];
  learnedFrom: SourceName;
  /** Commits that count beside the window, because a fallback knew them. */
  added: readonly string[];
}

export class KnownCommits {
  readonly #window: number;
  #branch: Branch | undefined;
  readonly #added = new Map<string, SourceName>();

  constructor(window: number) {
    this.#window = window;
  }

  get head(): string | null {
    return this.#branch?.commits[0] ?? null;
  }

  get isKnown(): boolean {
    return this.head !== null;
  }

  /** Who vouches for the branch that is told: undefined when nobody ever did. */
  get toldBy(): SourceName | undefined {
    return this.#branch && vouchingFor(this.#branch);
  }

  /** 0 is the head; null when it is not known. */
  distanceOf(commit: string): number | null {
    return this.#branch?.positions.get(commit) ?? null;
  }

  /** Who says that the commit is among those that count; undefined when nobody does. */
  vouchedBy(commit: string): SourceName | undefined {
    const position = this.#branch?.positions.get(commit);
    if (this.#branch && position !== undefined && position < this.#window) return vouchingFor(this.#branch);
    return this.#added.get(commit);
  }

  /** The primary source's word, which counts alone. True when it changes what is known. */
  learn({ commits, source }: BranchKnowledge): boolean {
    const before = this.#branch;
    const changes = !before || !isSameHistory(before.commits, commits) || this.#added.size > 0;
    this.#added.clear();
    this.#branch = indexed(commits, source, false, before);
    return changes;
  }

  /** A fallback's word: its window is added. The head stays, unless the primary source never told one. True when anything is new. */
  add({ commits, source }: BranchKnowledge): boolean {
    const branch = this.#branch;
    if (branch && branch.learnedFrom !== 'git-fallback') return this.#addEach(commits.slice(0, this.#window), source);
    if (branch && isSameHistory(branch.commits, commits)) return false;
    this.#branch = indexed(commits, source, false, branch);
    if (branch) this.#addEach(branch.commits.slice(0, this.#window), vouchingFor(branch));
    return true;
  }

  /** What an earlier process had learned. */
  remember({ commits, learnedFrom, added }: RememberedCommits): void {
    this.#branch = indexed(commits, learnedFrom, true, undefined);
    this.#addEach(added, 'last-known-good');
  }

  /** `most` commits of the branch, so that the file stays small. */
  toRemember(most: number): RememberedCommits {
    return {
      commits: this.#branch?.commits.slice(0, most) ?? [],
      learnedFrom: this.#branch?.learnedFrom ?? 'last-known-good',
      added: [...this.#added.keys()],
    };
  }

  #addEach(commits: readonly string[], source: SourceName): boolean {
    const fresh = commits.filter((commit) => this.vouchedBy(commit) === undefined);
    for (const commit of fresh) this.#added.set(commit, source);
    return fresh.length > 0;
  }
}

function vouchingFor({ learnedFrom, isRemembered }: Branch): SourceName {
  return isRemembered ? 'last-known-good' : learnedFrom;
}

/** Commits name their parents by hash, so that one head has one history: only how much of it was read can differ. */
function isSameHistory(before: readonly string[], after: readonly string[]): boolean {
  return before[0] === after[0] && before.length === after.length;
}

function indexed(
  commits: readonly string[],
  learnedFrom: SourceName,
  isRemembered: boolean,
  before: Branch | undefined,
): Branch {
  const positions =
    before && isSameHistory(before.commits, commits)
      ? before.positions
      : new Map(commits.map((commit, position) => [commit, position]));
  return { commits, positions, learnedFrom, isRemembered };
}
