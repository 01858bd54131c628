// Tells a connection that is slow from one that is dead. Node sees a slow one move only when the kernel takes more of it, which on a line
// of 1 KiB/s can be minutes; the kernel itself knows how much the other side has yet to acknowledge.

import { readFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

export interface IdleWatch {
  idleMs: number;
  /** True while nothing is sent on purpose. */
  isHeldBack: () => boolean;
  /** It is slow, and it moves. */
  onMoved: () => void;
  onIdle: () => void;
}

/** Looks twice in `idleMs`; nothing moved when both looks see the same. Returns the end of the watch. */
export function watchIdle(request: ClientRequest, { idleMs, isHeldBack, onMoved, onIdle }: IdleWatch): () => void {
  const lookMs = Math.max(1, idleMs / 2);
  let watched: Socket | undefined;
  let seen: string | undefined;
  const look = () => {
    if (!watched) return;
    const sees = `${watched.bytesRead} ${watched.bytesWritten} ${unacknowledgedBytes(watched)}`;
    if (isHeldBack()) seen = undefined;
    else if (sees === seen) return onIdle();
    else {
      if (seen !== undefined) onMoved();
      seen = sees;
    }
    // It fires once.
    watched.setTimeout(lookMs);
  };
  const begin = (socket: Socket) => {
    watched = socket;
    socket.setTimeout(lookMs);
    socket.on('timeout', look);
  };
  request.once('socket', (socket) => {
    if (!socket.connecting) begin(socket);
    else socket.once('connect', () => begin(socket));
  });
  return () => {
    watched?.off('timeout', look);
    watched = undefined;
  };
}

/** Bytes that the kernel has taken and the other side has not acknowledged (proc_net_tcp, tx_queue); undefined where it is not told. */
function unacknowledgedBytes({ localPort, remotePort, remoteFamily }: Socket): number | undefined {
  if (localPort === undefined || remotePort === undefined) return undefined;
  const portOf = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const [local, remote] = [portOf(localPort), portOf(remotePort)];
  try {
    for (const line of readFileSync(`/proc/self/net/tcp${remoteFamily === 'IPv6' ? '6' : ''}`, 'latin1').split('\n')) {
      const [, localAddress, remoteAddress, , queues] = line.trim().split(/\s+/);
      if (localAddress?.endsWith(local) && remoteAddress?.endsWith(remote)) return Number.parseInt(queues ?? '', 16);
    }
  } catch {
    // Not Linux: what Node sees has to do.
  }
  return undefined;
}
