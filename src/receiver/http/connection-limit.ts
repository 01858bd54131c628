// Bounds the open connections: when there are too many, the one that has been idle longest makes room, so that a crowd of silent
// connections cannot keep a working host out (as nginx reuses idle worker connections).

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

const MOST_CONNECTIONS = 16_384;
// For the store's own files, the databases, the log, and whatever else the process opens.
const SPARE_FILES = 512;

/** Each connection may need a second descriptor, for the file that its body or download is. */
export function connectionLimit(): number {
  return Math.max(16, Math.min(MOST_CONNECTIONS, Math.floor((openFilesLimit() - SPARE_FILES) / 2)));
}

function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1] ?? '1024';
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}

export class ConnectionLimit {
  readonly #most: number;
  readonly #open = new Set<Socket>();
  /** Insertion order: who became idle first comes first. */
  readonly #idle = new Set<Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Call with each new connection. */
  opened(socket: Socket): void {
    socket.once('close', () => this.left(socket));
    this.#open.add(socket);
    if (this.#open.size > this.#most) {
      const [longestIdle = socket] = this.#idle;
      // At once, and not when it has closed: of several that come in one turn of the loop, each needs room of its own.
      this.left(longestIdle);
      longestIdle.destroy();
      if (longestIdle === socket) return;
    }
    this.#idle.add(socket);
  }

  /** It counts no more. */
  left(socket: Socket): void {
    this.#open.delete(socket);
    this.#idle.delete(socket);
  }

  /** A request has begun on it. */
  busy(socket: Socket): void {
    this.#idle.delete(socket);
  }

  /** Every request on it has been answered. */
  idle(socket: Socket): void {
    if (this.#open.has(socket)) this.#idle.add(socket);
  }
}
