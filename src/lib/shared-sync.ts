// Shares one slow sync among all who wait for it: whoever asks while one runs is served by the next, which begins after they asked.

export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** `sync` must make durable all that was written before it was called. */
  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Resolves when a sync that began after this call has ended; rejects with that sync's error. */
  request(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const run = this.#sync().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }
}
