// Answers that are streamed on Node's own response: with backpressure, and with an end for readers who have stopped reading.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { RouteEnvironment } from './route-environment.ts';

// A reader that takes nothing for this long is gone, whatever its connection says.
const STALL_MS = 60_000;
const LOOK_EVERY_MS = 5_000;
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
  let seenBytes = socket.bytesWritten;
  let stalledMs = 0;
  const timer = setInterval(() => {
    const isStalled = outgoing.writableNeedDrain && socket.bytesWritten === seenBytes;
    stalledMs = isStalled ? stalledMs + LOOK_EVERY_MS : 0;
    seenBytes = socket.bytesWritten;
    if (stalledMs >= STALL_MS) socket.destroy();
  }, LOOK_EVERY_MS);
  try {
    await pipeline(readable, outgoing);
  } catch (error) {
    // The reader's leaving is no failure of ours.
    if (!socket.destroyed) throw error;
  } finally {
    clearInterval(timer);
  }
  return RESPONSE_ALREADY_SENT;
}
