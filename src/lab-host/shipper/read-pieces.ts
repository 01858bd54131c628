// A file's bytes, piece by piece, in memory that is asked for once: one piece is read while the other is used.

import { closeSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { AT_ONCE_BYTES } from './quick-files.ts';

const readInPool = promisify(read);

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
    const wantedBytes = Math.min(sizeBytes - atByte, buffer.byteLength);
    const bytesRead =
      wantedBytes <= AT_ONCE_BYTES
        ? readSync(descriptor, buffer, 0, wantedBytes, atByte)
        : (await readInPool(descriptor, buffer, 0, wantedBytes, atByte)).bytesRead;
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
