// A page of a large fleet is mostly the same few words: compressed it is a tenth. Nothing in a page is secret beside what its reader
// typed, so that its length tells nobody anything.

import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

const gzipped = promisify(gzip);
// Smaller ones fit into a few packets as they are.
const WORTH_IT_BYTES = 4 * 1024;
// Beyond the fastest level a page takes twice the time for a few percent.
const LEVEL = constants.Z_BEST_SPEED;
// A page of a thousand hosts in one piece: each further one would wait for a thread, among durable writes.
const PIECE_BYTES = 64 * 1024;

export interface PageBody {
  content: Uint8Array<ArrayBuffer> | string;
  headers: Record<string, string>;
}

/** `accepted`: what the request says of Accept-Encoding. */
export async function compressPage(text: string, accepted: string | undefined): Promise<PageBody> {
  const vary = { Vary: 'Accept-Encoding' };
  if (text.length < WORTH_IT_BYTES || !takesGzip(accepted)) return { content: text, headers: vary };
  const content = new Uint8Array(await gzipped(text, { level: LEVEL, chunkSize: PIECE_BYTES }));
  return { content, headers: { ...vary, 'Content-Encoding': 'gzip' } };
}

/** Browsers say `gzip, deflate, br`; whoever qualifies it with 0 refuses it. */
function takesGzip(accepted = ''): boolean {
  return accepted.split(',').some((each) => /^\s*gzip\s*(;\s*q=(1|0\.0*[1-9])[\d.]*\s*)?$/i.test(each));
}
