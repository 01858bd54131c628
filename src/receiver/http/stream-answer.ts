// Answers that are streamed on Node's own response: with backpressure. The server cuts off readers who have stopped reading.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { RouteEnvironment } from './route-environment.ts';

const KEEP_ALIVE_PROBE_MS = 30_000;

/** Resolves when all is sent or the reader has left. A source that fails cuts the answer off, so that nobody takes it for whole. */
export async function streamAnswer(
  context: Context<RouteEnvironment>,
  status: 200 | 206,
  headers: Record<string, string>,
  source: Readable | AsyncIterable<string>,
): Promise<Response> {
  const { outgoing } = context.env;
  const { socket } = outgoing;
  outgoing.writeHead(status, headers);
  const readable = source instanceof Readable ? source : Readable.from(source, { objectMode: false });
  if (context.req.method === 'HEAD' || !socket) {
    readable.destroy();
    outgoing.end();
    return RESPONSE_ALREADY_SENT;
  }
  // A follower may wait for hours: only the kernel's probes tell that the other machine has gone.
  socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
  outgoing.flushHeaders();
  try {
    await pipeline(readable, outgoing);
  } catch (error) {
    // The reader's leaving is no failure of ours.
    if (!socket.destroyed) throw error;
  }
  return RESPONSE_ALREADY_SENT;
}
