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
  const readable = source instanceof Readable ? source : Readable.from(source, { objectMode: false });
  try {
    // The request's body turned out malformed meanwhile, and that was answered.
    if (outgoing.headersSent) return RESPONSE_ALREADY_SENT;
    outgoing.writeHead(status, headers);
    if (context.req.method === 'HEAD' || !socket) {
      outgoing.end();
      return RESPONSE_ALREADY_SENT;
    }
    // A follower may wait for hours: only the kernel's probes tell that the other machine has gone.
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    outgoing.flushHeaders();
    await pipeline(readable, outgoing);
  } catch (error) {
    // The reader's leaving is no failure of ours.
    if (!outgoing.destroyed) throw error;
  } finally {
    // Node's pipeline does not, where the reader has left before it begins; and a file that is left open ends the process.
    readable.destroy();
  }
  return RESPONSE_ALREADY_SENT;
}
