// One at a time per (host, episode): a second commit of an id waits for the first one's outcome.

export class EpisodeLocks {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(hostId: string, episodeId: string, work: () => Promise<T>): Promise<T> {
    const key = `${hostId}/${episodeId}`;
    const before = this.#tails.get(key);
    const result = before ? before.then(work) : work();
    const tail = result.then(ignore, ignore);
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}

function ignore(): void {}
