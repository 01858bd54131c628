// A path to look at, and servers that are what a path can lead to.

import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { fixedCredentials } from './credentials.ts';
import { type PingPathOptions, pingPath } from './ping-layers.ts';

// Only to end a test that hangs.
const PATIENCE_MS = 60_000;

export function pathTo(t: TestContext, receiverUrl: string, more: Partial<PingPathOptions> = {}) {
  const path = pingPath({
    receiverUrl,
    hostId: 'lab-1',
    timeoutMs: PATIENCE_MS,
    credentials: fixedCredentials(undefined),
    clock: systemClock,
    codeVersion: undefined,
    ...more,
  });
  t.after(() => path.close());
  return path;
}

export async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createHttpServer(listener))}`;
}

export async function serveTls(t: TestContext, options: ServerOptions, listener?: RequestListener): Promise<string> {
  const answer: RequestListener = listener ?? ((_request, response) => response.end('{"ok":true}'));
  return `https://127.0.0.1:${await listen(t, createHttpsServer(options, answer))}`;
}

/** A server that speaks as `speak` does, byte by byte; its port. */
export async function serveRaw(t: TestContext, speak: (socket: Socket) => void): Promise<number> {
  return await listen(t, createServer(speak));
}

/** An answer in JSON; without a body for a status alone. */
export function json(status: number, body: unknown = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
