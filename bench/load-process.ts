// The bench's end of the load generator: one command at a time, one answer each.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Episode, LoadAnswer, LoadCommand } from './load.ts';

// The recording code's commit that every PUT names and the receiver's gate trusts.
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export class LoadProcess {
  readonly #child: ChildProcess = fork(new URL('load.ts', import.meta.url), { stdio: 'inherit' });

  /** Returns the bodies' digests. */
  async prepare(sizeBytes: number, count: number): Promise<string[]> {
    const answer = await this.#ask({ does: 'prepare', sizeBytes, count });
    if (answer.kind !== 'prepared') throw new Error(`the load generator answered ${answer.kind}`);
    return answer.sha256s;
  }

  /** Seconds for all of them. Throws at the first answer with another status. */
  async put(work: { port: number; atOnce: number; expectedStatus: number; episodes: Episode[] }): Promise<number> {
    const answer = await this.#ask({ does: 'put', commit: COMMIT, ...work });
    if (answer.kind !== 'done') throw new Error(`the load generator answered ${answer.kind}`);
    return answer.seconds;
  }

  async putWithExpect(port: number, episode: Episode): Promise<{ status: number; bodyWasAskedFor: boolean }> {
    const answer = await this.#ask({ does: 'expect', commit: COMMIT, port, episode });
    if (answer.kind !== 'expected') throw new Error(`the load generator answered ${answer.kind}`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  async #ask(command: LoadCommand): Promise<LoadAnswer> {
    const gone = new AbortController();
    const onExit = () => gone.abort(new Error('the load generator ended'));
    this.#child.once('exit', onExit);
    try {
      this.#child.send(command);
      const [answer] = (await once(this.#child, 'message', { signal: gone.signal })) as [LoadAnswer];
      if (answer.kind === 'failed') throw new Error(answer.message);
      return answer;
    } finally {
      this.#child.off('exit', onExit);
    }
  }
}
