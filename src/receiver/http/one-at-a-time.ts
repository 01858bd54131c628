// Pipelined requests of one connection are handled one after the other: Node would begin them all at once, and one client could
// open any number of files.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class OneAtATime {
  readonly #lastOf = new WeakMap<Socket, Promise<void>>();

  /** Runs `work` once the answer before it has been sent, or at once when there is none under way. */
  run(socket: Socket, response: ServerResponse, work: () => Promise<void>): void {
    const before = this.#lastOf.get(socket);
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    this.#lastOf.set(socket, sent);
    if (before) void before.then(() => (socket.destroyed ? undefined : work()));
    else void work();
  }
}
