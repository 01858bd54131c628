// A file's bytes, piece by piece, in memory that is asked for once: one piece is read while the other is used.

import { closeSync, openSync } from 'node:fs';
import { readSome } from './quick-files.ts';

/** The bytes from `fromBytes` to `sizeBytes`; fewer where it ends before. A piece holds good until the next is asked for. Throws the system's error. */
export async function* readPieces(
  path: string,
  sizeBytes: number,
  pieceBytes: number,
  fromBytes = 0,
): AsyncGenerator<Buffer> {
  const descriptor = openSync(path, 'r');
  let atByte = fromBytes;
  const fill = async (buffer: Buffer): Promise<Buffer> => {
    const bytesRead = await readSome(descriptor, buffer.subarray(0, sizeBytes - atByte), atByte);
    atByte += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  const bufferBytes = Math.min(pieceBytes, sizeBytes - fromBytes);
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
