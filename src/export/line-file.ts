// Files of lines that are written whole and read again, a piece at a time.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { writing } from '../lib/explain-write-error.ts';
import { explainReadError } from './explain-read-error.ts';

const PIECE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export interface WrittenLines {
  bytes: number;
  sha256: string;
}

/** Each line brings its newline. Durable when it resolves, but for the file's name. Throws `disk-full`, `cannot-write`. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<WrittenLines> {
  const handle = await writing(path, () => open(path, 'w', 0o644));
  const hash = createHash('sha256');
  let bytes = 0;
  let pending = '';
  const flush = async () => {
    const piece = Buffer.from(pending);
    pending = '';
    hash.update(piece);
    bytes += piece.byteLength;
    await writing(path, () => handle.appendFile(piece));
  };
  try {
    for await (const line of lines) {
      pending += line;
      if (pending.length >= PIECE_BYTES) await flush();
    }
    await flush();
    await writing(path, () => handle.sync());
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Without their newlines. Not by readline: it ends a line at U+2028, too, which JSON may hold. Throws `cannot-read`. */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of piecesOf(path)) {
    const bytes: Buffer = rest.byteLength > 0 ? Buffer.concat([rest, piece]) : piece;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield bytes.toString('utf8', start, end);
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
  }
}

async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE_BYTES });
  } catch (error) {
    throw explainReadError(path, error);
  }
}
