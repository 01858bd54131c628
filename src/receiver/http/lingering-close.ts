// A refusal that comes while the client still sends: closing at once would make the kernel answer the rest with a reset, which can
// overtake the answer. So half-close, and discard what still comes for a while (as nginx's lingering_close does).

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const SILENCE_LIMIT_MS = 5_000;
const TOTAL_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 1_000;
const MAX_SOCKETS = 512;
// A body of this size is read to its end instead, and the connection is kept.
const SMALL_BODY_BYTES = 1024 * 1024;

export class LingeringCloser {
  readonly #sockets = new Set<Socket>();

  /**
   * Call before the answer is ended. `awaitsContinue`: the client has asked for leave to send and has got none, so that nobody can
   * tell whether a body follows.
   */
  prepare(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const length = request.headers['content-length'];
    const hasBody = (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined;
    if (!hasBody || request.complete || response.headersSent) return;
    const isSmall = length !== undefined && Number(length) <= SMALL_BODY_BYTES;
    // A client that wants to end the connection has it ended by Node with the answer, whatever still comes.
    if (isSmall && !awaitsContinue && response.shouldKeepAlive) {
      request.resume();
      return;
    }
    this.closeAfter(request, response);
  }

  /** The connection ends with this answer, whatever the client still means to send. */
  closeAfter(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Connection', 'close');
    const { socket } = request;
    request.resume();
    if (!this.#admit(socket)) return;
    // Node calls this once the answer is flushed; its own version closes both directions.
    socket.destroySoon = () => {
      linger(socket);
      if (request.complete) socket.destroy();
      else request.once('end', () => socket.destroy());
    };
  }

  /** After an answer that was written to the socket itself. */
  close(socket: Socket): void {
    if (this.#admit(socket)) linger(socket);
    else socket.destroySoon();
  }

  #admit(socket: Socket): boolean {
    if (this.#sockets.size >= MAX_SOCKETS && !this.#sockets.has(socket)) return false;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return true;
  }
}

function linger(socket: Socket): void {
  socket.end();
  // What was waiting for its turn is not handled any more: it is read like the rest.
  socket.resume();
  let seenBytes = socket.bytesRead;
  let silentMs = 0;
  let totalMs = 0;
  const timer = setInterval(() => {
    totalMs += LOOK_EVERY_MS;
    silentMs = socket.bytesRead === seenBytes ? silentMs + LOOK_EVERY_MS : 0;
    seenBytes = socket.bytesRead;
    if (silentMs >= SILENCE_LIMIT_MS || totalMs >= TOTAL_LIMIT_MS) socket.destroy();
  }, LOOK_EVERY_MS);
  socket.once('close', () => clearInterval(timer));
}
