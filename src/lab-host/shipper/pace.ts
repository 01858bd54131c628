// How fast the passes go while the disk is short: one episode at a time, so that room for one is enough, past those that do not fit, and
// with few attempts in each pass, all of which write until the disk is full.

const MOST_MISFITS_A_PASS = 5;

export class Pace {
  /** What cannot be deleted and was told of already. */
  readonly stuck = new Set<string>();
  /** Did not fit when they were last tried. */
  readonly #unfit = new Set<string>();
  /** Did not fit in this round, which a pass that tries everything ends. */
  readonly #skipped = new Set<string>();
  #misfits = 0;

  get isShortOfRoom(): boolean {
    return this.#unfit.size > 0;
  }

  /** A new pass over these. */
  begin(waiting: ReadonlySet<string>): void {
    this.#misfits = 0;
    for (const episodeId of this.#unfit) if (!waiting.has(episodeId)) this.#unfit.delete(episodeId);
  }

  /** Whether it is to be tried in this pass; the oldest always is, and each in its turn. */
  mayTry(episodeId: string): boolean {
    if (this.#misfits === 0) return true;
    return this.#misfits < MOST_MISFITS_A_PASS && !this.#skipped.has(episodeId);
  }

  /** It was tried. Tells what is news of the disk. */
  tried(episodeId: string, isFitting: boolean): 'short' | 'room-again' | undefined {
    const wasShort = this.isShortOfRoom;
    if (isFitting) {
      this.#unfit.delete(episodeId);
      return wasShort && !this.isShortOfRoom ? 'room-again' : undefined;
    }
    this.#misfits += 1;
    this.#unfit.add(episodeId);
    this.#skipped.add(episodeId);
    return wasShort ? undefined : 'short';
  }

  /** The pass has come to its end: unless it was cut short, the next one tries all of them again. */
  end(): void {
    if (this.#misfits < MOST_MISFITS_A_PASS) this.#skipped.clear();
  }
}
