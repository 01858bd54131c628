// Several pieces with one system call, until all of them are written.

import type { FileHandle } from 'node:fs/promises';

/** From `position` on, or where the file stands. Throws the system's error; a part may be written then. */
export async function writePieces(handle: FileHandle, pieces: readonly Uint8Array[], position?: number): Promise<void> {
  let rest = [...pieces];
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    rest = dropWritten(rest, bytesWritten);
    if (at !== undefined) at += bytesWritten;
  }
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
