// A file's bytes, piece by piece, in memory that is asked for once: one piece is read while the other is used.

import { closeSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { AT_ONCE_BYTES } from './quick-files.ts';

const readInPool = promisify(read);

/** Up to `sizeBytes` of it; fewer where it ends before. A piece holds good until the next is asked for. Throws the system's error. */
export async function* readPieces(path: string, sizeBytes: number, pieceBytes: number): AsyncGenerator<Buffer> {
  const descriptor = openSync(path, 'r');
  let leftBytes = sizeBytes;
  const fill = async (buffer: Buffer): Promise<Buffer> => {
    const wantedBytes = Math.min(leftBytes, buffer.byteLength);
    const bytesRead =
      wantedBytes <= AT_ONCE_BYTES
        ? readSync(descriptor, buffer, 0, wantedBytes, null)
        : (await readInPool(descriptor, buffer, 0, wantedBytes, null)).bytesRead;
    leftBytes -= bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  const bufferBytes = Math.min(pieceBytes, sizeBytes);
  let used = Buffer.allocUnsafe(bufferBytes);
  let spare = Buffer.allocUnsafe(bufferBytes);
  let reading = fill(used);
  try {
    for (;;) {
      const piece = await reading;
      if (piece.byteLength === 0) return;
      reading = fill(spare);
      // It is awaited, but not before the piece was used.
      reading.catch(() => undefined);
      yield piece;
      [used, spare] = [spare, used];
    }
  } finally {
    // Nothing may read from a descriptor that is another file's by then.
    await reading.catch(() => undefined);
    closeSync(descriptor);
  }
}
