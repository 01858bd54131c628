// Pipelined requests of one connection are handled one after the other: Node would begin them all at once, and one client could
// open any number of files. While one waits, nothing more is read: a client cannot fill the memory with requests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Line {
  /** Answers that are under way or wait for their turn. */
  owed: number;
  /** Nothing is read from it meanwhile. */
  isHeld: boolean;
  lastSent: Promise<void>;
  lastRequest: IncomingMessage | undefined;
  lastResponse: ServerResponse | undefined;
}

export class OneAtATime {
  readonly #lines = new WeakMap<Socket, Line>();

  /** Runs `work` once the answers before it have been sent, or at once when there are none; never on a connection that is ending. */
  run(request: IncomingMessage, response: ServerResponse, work: () => void): void {
    const { socket } = request;
    const line = this.#lineOf(socket);
    const { owed, lastSent } = line;
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    Object.assign(line, { owed: owed + 1, lastSent: sent, lastRequest: request, lastResponse: response });
    response.once('close', () => {
      line.owed -= 1;
      if (line.isHeld && line.owed < 2) {
        line.isHeld = false;
        socket.resume();
      }
      resolve();
    });
    const begin = () => {
      if (socket.writable && !response.headersSent) work();
    };
    if (owed === 0) {
      begin();
      return;
    }
    void lastSent.then(begin);
    // Later: at the end of each request that it has parsed, Node reads on by itself.
    process.nextTick(() => {
      if (line.owed < 2) return;
      line.isHeld = true;
      socket.pause();
    });
  }

  /** Whether an answer is under way on it. */
  isBusy(socket: Socket): boolean {
    return this.#lineOf(socket).owed > 0;
  }

  /** Resolves when every answer that is under way now has been sent. */
  async over(socket: Socket): Promise<void> {
    await this.#lineOf(socket).lastSent;
  }

  /** The answer to the request whose body is coming in. */
  unfinished(socket: Socket): { request: IncomingMessage; response: ServerResponse } | undefined {
    const { lastRequest: request, lastResponse: response } = this.#lineOf(socket);
    return request && response && !request.complete ? { request, response } : undefined;
  }

  #lineOf(socket: Socket): Line {
    return this.#lines.getOrInsertComputed(socket, () => ({
      owed: 0,
      isHeld: false,
      lastSent: Promise.resolve(),
      lastRequest: undefined,
      lastResponse: undefined,
    }));
  }
}
