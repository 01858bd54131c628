// Chunks of a file as pieces of whole lines: none is cut, and memory is bounded whatever the lines are like.

export const NEWLINE = 0x0a;

// Some thousands of rows.
const PIECE_BYTES = 1024 * 1024;
// No line of ours is near this. Of a longer one only its beginning is given on, which is no JSON object.
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const KEPT_OF_TOO_LONG_BYTES = 1024;

/** The chunks together end with a newline. */
export async function* cutIntoPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    if (begun.length > 0) {
      const newline = chunk.indexOf(NEWLINE);
      start = newline + 1;
      const rest = newline < 0 ? chunk : chunk.subarray(0, start);
      begunBytes += rest.byteLength;
      begun.push(rest);
      if (begunBytes > MAX_LINE_BYTES) begun = [beginningOf(begun), Buffer.from(newline < 0 ? '' : '\n')];
      if (newline < 0) continue;
      yield Buffer.concat(begun);
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    while (start < end) {
      const last = chunk.lastIndexOf(NEWLINE, Math.min(start + PIECE_BYTES, end) - 1);
      const stop = (last >= start ? last : chunk.indexOf(NEWLINE, start)) + 1;
      yield chunk.subarray(start, stop);
      start = stop;
    }
    begun = end < chunk.byteLength ? [chunk.subarray(end)] : [];
    begunBytes = chunk.byteLength - end;
  }
}

function beginningOf(begun: readonly Buffer[]): Buffer {
  return Buffer.concat(begun).subarray(0, KEPT_OF_TOO_LONG_BYTES);
}
