// index.jsonl as it is on the disk, read without a lock: what has no newline behind it is being written, or torn, and is left out.

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { isMissing } from '../../lib/app-error.ts';
import type { LedgerItem, LedgerNews, LedgerReader, StoredAt } from '../ledger-reader.ts';
import { followJsonl } from './jsonl-follow.ts';
import type { FollowSizes } from './jsonl-mark.ts';
import { lastNewlineBefore } from './ledger-file.ts';
import { type LineCount, sequenceLines } from './ledger-lines.ts';
import { NEWLINE } from './line-pieces.ts';
import { StoredRows } from './stored-rows.ts';

const END_OF_LINE = Buffer.from([NEWLINE]);
const READ_BYTES = 1024 * 1024;

export class JsonlLedgerReader implements LedgerReader {
  readonly #path: string;
  readonly #followSizes: FollowSizes | undefined;

  /** No file is an empty ledger, but for `follow`. */
  constructor(path: string, followSizes?: FollowSizes) {
    this.#path = path;
    this.#followSizes = followSizes;
  }

  async identity(): Promise<string | undefined> {
    for await (const line of this.#lines()) return createHash('sha256').update(line).digest('hex');
    return undefined;
  }

  async *read(afterSeq: number): AsyncGenerator<LedgerItem> {
    let count: LineCount = { lines: 0, lastSeq: 0 };
    for await (const text of this.#lines()) {
      const { entries, badLines, lines, lastSeq } = sequenceLines([text], count);
      count = { lines, lastSeq };
      const [entry] = entries;
      if (entry && entry.seq > afterSeq) yield { kind: 'entry', entry, line: lines };
      if (badLines > 0 && lastSeq >= afterSeq) yield { kind: 'bad-line', line: lines };
    }
  }

  async follow(mark: string | undefined): Promise<LedgerNews> {
    const news = await followJsonl(this.#path, mark, this.#followSizes);
    const stored = new StoredRows();
    async function* rows(): AsyncGenerator<StoredAt[]> {
      for await (const piece of news.pieces) yield stored.parse(piece);
    }
    const [unended] = news.torn.byteLength > 0 ? new StoredRows().parse(Buffer.concat([news.torn, END_OF_LINE])) : [];
    return { isAnew: news.isAnew, rows: rows(), unended, mark: news.mark, badLines: () => stored.badLines };
  }

  async *#lines(): AsyncGenerator<string> {
    const handle = await openIfThere(this.#path);
    if (!handle) return;
    try {
      // Nothing before the last newline ever changes; what is behind it now may be cut off, and be other bytes when it is read.
      const end = await lastNewlineBefore(handle, (await handle.stat()).size);
      if (end < 0) return;
      let rest: Buffer = Buffer.alloc(0);
      for await (const piece of handle.createReadStream({
        start: 0,
        end,
        autoClose: false,
        highWaterMark: READ_BYTES,
      })) {
        const bytes: Buffer = rest.byteLength > 0 ? Buffer.concat([rest, piece]) : piece;
        let start = 0;
        for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
          yield bytes.toString('utf8', start, end);
          start = end + 1;
        }
        rest = bytes.subarray(start);
      }
    } finally {
      await handle.close();
    }
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
