// Several pieces with one system call, until all of them are written; then their memory goes back at once.

import type { FileHandle } from 'node:fs/promises';

/** From `position` on, or where the file stands. The pieces are empty afterwards. Throws the system's error; a part may be written then. */
export async function writePieces(handle: FileHandle, pieces: readonly Uint8Array[], position?: number): Promise<void> {
  let rest = [...pieces];
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    rest = dropWritten(rest, bytesWritten);
    if (at !== undefined) at += bytesWritten;
  }
  for (const piece of pieces) giveBack(piece);
}

/** The garbage collector lets some 64 MiB of written pieces gather before it looks: they are small objects to it. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  // A part of a buffer is not all that there is in it.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** writev(2) may take less than it was given. */
function dropWritten(pieces: Uint8Array[], writtenBytes: number): Uint8Array[] {
  let skip = writtenBytes;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (skip >= piece.byteLength) skip -= piece.byteLength;
    else {
      rest.push(skip > 0 ? piece.subarray(skip) : piece);
      skip = 0;
    }
  }
  return rest;
}
