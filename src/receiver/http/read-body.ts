// A request's body on Node's own stream: bounded in size by whoever reads, and in slowness here.

import type { IncomingMessage } from 'node:http';
import { BodyPace, type PaceLimits } from './body-pace.ts';

/** `aborted`: the client left, or was too slow and has been cut off. */
export type BodyEnd = 'complete' | 'aborted';

const LOOKS_PER_WINDOW = 12;

/** Gives each chunk to `take`, one at a time. What `take` throws is thrown; false from it ends the reading with `refused`. */
export async function readBody(
  request: IncomingMessage,
  pace: PaceLimits,
  take: (chunk: Buffer) => Promise<boolean> | boolean,
): Promise<BodyEnd | 'refused'> {
  const watch = new BodyPace(pace, () => performance.now());
  const timer = setInterval(() => {
    if (watch.isTooSlow()) request.socket.destroy();
  }, pace.windowMs / LOOKS_PER_WINDOW);
  const chunks = (request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      watch.waits();
      const next = await chunks.next().catch(() => undefined);
      // Only the client's leaving ends the stream with an error.
      if (!next) return 'aborted';
      if (next.done) return request.complete ? 'complete' : 'aborted';
      watch.arrived(next.value.byteLength);
      if (!(await take(next.value))) return 'refused';
    }
  } finally {
    clearInterval(timer);
    await chunks.return?.();
  }
}

/** A small body whole, or why not. */
export async function readSmallBody(
  request: IncomingMessage,
  pace: PaceLimits,
  mostBytes: number,
): Promise<Buffer | 'too-large' | 'aborted'> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return 'too-large';
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  const end = await readBody(request, pace, (chunk) => {
    sizeBytes += chunk.byteLength;
    pieces.push(chunk);
    return sizeBytes <= mostBytes;
  });
  if (end === 'aborted') return 'aborted';
  return end === 'refused' ? 'too-large' : Buffer.concat(pieces);
}
