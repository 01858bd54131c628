// Which episode of a pass comes next: oldest first, what is packed already before what is not. While the receiver takes nothing, only a
// few lie packed: those are tried in turn, and one more after each round of them, so that a bad one among them blocks nobody.

export interface PassOrderOptions {
  /** Those that wait, in the order in which they are to go. */
  queue: readonly string[];
  /** Those of them that have a tarball already. */
  packed: ReadonlySet<string>;
  /** How many tarballs may lie there while the receiver takes nothing, beside the one that is tried. */
  mostKept: number;
}

export class PassOrder {
  readonly #order: readonly string[];
  readonly #mostKept: number;
  /** With a tarball that lies there. */
  readonly #kept: Set<string>;
  readonly #underWay = new Set<string>();
  /** Tried once in this pass and put off, in order. */
  readonly #putOff = new Set<string>();
  readonly #triedTwice = new Set<string>();
  #round: string[] = [];
  #next = 0;

  constructor({ queue, packed, mostKept }: PassOrderOptions) {
    // More of them than that may come from elsewhere: they keep their place.
    this.#kept = new Set(queue.filter((episodeId) => packed.has(episodeId)).slice(0, mostKept + 1));
    this.#order = [...this.#kept, ...queue.filter((episodeId) => !this.#kept.has(episodeId))];
    this.#mostKept = mostKept;
  }

  /** Undefined at the end of the pass. Each that is given out must be `ended`. */
  next(isInTrouble: boolean): string | undefined {
    const episodeId = isInTrouble ? this.#nextInTrouble() : (this.#putOffBefore() ?? this.#untried());
    if (episodeId !== undefined) this.#underWay.add(episodeId);
    return episodeId;
  }

  /** `hasTarball`: put off after an attempt, and its tarball is there. False when there are too many: the tarball should go. */
  ended(episodeId: string, hasTarball: boolean): boolean {
    this.#underWay.delete(episodeId);
    if (!hasTarball) {
      this.#kept.delete(episodeId);
      this.#putOff.delete(episodeId);
      return true;
    }
    if (!this.#triedTwice.has(episodeId)) this.#putOff.add(episodeId);
    this.#kept.add(episodeId);
    return this.#kept.size <= this.#mostKept || !this.#kept.delete(episodeId);
  }

  #untried(): string | undefined {
    const episodeId = this.#order[this.#next];
    this.#next += 1;
    return episodeId;
  }

  /** The receiver takes episodes again: the older ones, which it has not taken in its trouble, come first, once. */
  #putOffBefore(): string | undefined {
    const episodeId = this.#putOff.values().find((id) => !this.#underWay.has(id));
    if (episodeId === undefined) return undefined;
    this.#putOff.delete(episodeId);
    this.#triedTwice.add(episodeId);
    return episodeId;
  }

  #nextInTrouble(): string | undefined {
    const untried = this.#order[this.#next];
    if (untried === undefined) return undefined;
    const packed = this.#kept.union(this.#underWay).size;
    if (packed < this.#mostKept || this.#kept.has(untried)) return this.#untried();
    const again = this.#nextOfRound();
    if (again !== undefined) return again;
    this.#round = [...this.#kept];
    return packed > this.#mostKept ? this.#nextOfRound() : this.#untried();
  }

  #nextOfRound(): string | undefined {
    for (let id = this.#round.shift(); id !== undefined; id = this.#round.shift()) if (this.#isIdle(id)) return id;
    return undefined;
  }

  #isIdle(episodeId: string): boolean {
    return this.#kept.has(episodeId) && !this.#underWay.has(episodeId);
  }
}
