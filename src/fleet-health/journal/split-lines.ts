// Bytes as lines, whatever they are, in bounded memory: a line beyond the limit is told as far as it goes.

const NEWLINE = 0x0a;
const LONGEST_LINE_BYTES = 1024 * 1024;

/** Each byte is one character: nothing that is looked for is outside of ASCII. The last line needs no newline. */
export async function* splitLines(
  pieces: AsyncIterable<Buffer>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<string> {
  let begun: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      yield joined(begun, piece.subarray(start, end), longestBytes).toString('latin1');
      begun = Buffer.alloc(0);
      start = end + 1;
    }
    begun = joined(begun, piece.subarray(start), longestBytes);
  }
  if (begun.byteLength > 0) yield begun.toString('latin1');
}

function joined(begun: Buffer, more: Buffer, longestBytes: number): Buffer {
  if (begun.byteLength >= longestBytes) return begun;
  return Buffer.concat([begun, more.subarray(0, longestBytes - begun.byteLength)]);
}
