// Bounds the open connections: when there are too many, the one that has been idle longest makes room, so that a crowd of silent
// connections cannot keep a working host out (as nginx reuses idle worker connections).

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

const MOST_CONNECTIONS = 8_192;
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
  /** Insertion order: who became idle first comes first. */
  readonly #idle = new Set<Socket>();
  #open = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Call with each new connection. */
  opened(socket: Socket): void {
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
      this.#idle.delete(socket);
    });
    if (this.#open > this.#most) {
      const [longestIdle] = this.#idle;
      (longestIdle ?? socket).destroy();
      if (!longestIdle) return;
    }
    this.#idle.add(socket);
  }

  /** A request has begun on it. */
  busy(socket: Socket): void {
    this.#idle.delete(socket);
  }

  /** Its request has been answered. */
  idle(socket: Socket): void {
    if (!socket.destroyed) this.#idle.add(socket);
  }
}
