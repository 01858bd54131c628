// index.jsonl as bytes: appended at a known end, durable before anyone hears of it, never rewritten. Knows lines, not rows' meaning.

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { parseJson } from '../../lib/parse-json.ts';
import type { StorageStep } from '../storage-step.ts';
import { noSyncWatch, type WatchSync } from '../watch-sync.ts';
import { diskFull, syncFailed } from './disk-errors.ts';
import { NEWLINE } from './line-pieces.ts';

const READ_BYTES = 1024 * 1024;

export interface LedgerLine {
  text: string;
  /** Where the next line begins. */
  endOffsetBytes: number;
}

/** What was done to a last line without its newline. */
export type TailRepair =
  | { kind: 'whole' }
  | { kind: 'completed' }
  | { kind: 'set-aside'; path: string; sizeBytes: number };

export class LedgerFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #afterStep: AfterStep<StorageStep>;
  readonly #watchSync: WatchSync;
  /** Everything before this is durable and ends with a newline. */
  #lengthBytes: number;

  private constructor(
    path: string,
    handle: FileHandle,
    lengthBytes: number,
    watch: { afterStep: AfterStep<StorageStep>; watchSync: WatchSync },
  ) {
    this.path = path;
    this.#handle = handle;
    this.#lengthBytes = lengthBytes;
    this.#afterStep = watch.afterStep;
    this.#watchSync = watch.watchSync;
  }

  /** Opens or makes the file, and durably ends it at a newline (see `repairTail`). Throws `disk-full`: nothing was cut then. */
  static async open(
    path: string,
    afterStep: AfterStep<StorageStep> = noStepObserver,
    watchSync: WatchSync = noSyncWatch,
  ): Promise<{ file: LedgerFile; repair: TailRepair }> {
    const handle = await open(path, 'a').then(async (made) => {
      await made.close();
      return await open(path, 'r+');
    });
    try {
      const repair = await repairTail(path, handle);
      await handle.sync();
      await fsyncDirectory(dirname(path));
      const { size } = await handle.stat();
      return { file: new LedgerFile(path, handle, size, { afterStep, watchSync }), repair };
    } catch (error) {
      await handle.close();
      if (isNoRoom(error)) throw diskFull(path, error);
      throw error;
    }
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /**
   * Appends lines as one write and one fdatasync. Throws `disk-full` after cutting a short write back to the durable end, so that
   * nothing of it stays; `sync-failed` when the disk may have lost it: the file must not be used any more.
   */
  async append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(
          bytes,
          done,
          bytes.byteLength - done,
          this.#lengthBytes + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      await this.#handle.truncate(this.#lengthBytes);
      if (isNoRoom(error)) throw diskFull(this.path, error);
      throw error;
    }
    this.#afterStep('row-written');
    const synced = this.#watchSync('ledger');
    try {
      await this.#handle.datasync();
    } catch (error) {
      throw syncFailed(this.path, error);
    }
    synced();
    this.#afterStep('row-synced');
    this.#lengthBytes += bytes.byteLength;
  }

  /** The lines between an offset at which a line begins and the durable end. */
  async *linesFrom(offsetBytes: number): AsyncGenerator<LedgerLine[]> {
    let position = offsetBytes;
    let rest: Buffer = Buffer.alloc(0);
    while (position < this.#lengthBytes) {
      const piece = await this.#readAt(position, Math.min(READ_BYTES, this.#lengthBytes - position));
      let lineStart = position - rest.byteLength;
      position += piece.byteLength;
      const bytes = rest.byteLength > 0 ? Buffer.concat([rest, piece]) : piece;
      const lines: LedgerLine[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        lineStart += end + 1 - start;
        lines.push({ text: bytes.toString('utf8', start, end), endOffsetBytes: lineStart });
        start = end + 1;
      }
      rest = bytes.subarray(start);
      yield lines;
    }
  }

  /** True when a line with this digest ends exactly at the offset: what was read up to there still stands. */
  async endsWithLine(offsetBytes: number, lineSha256: string): Promise<boolean> {
    if (offsetBytes === 0) return lineSha256 === '';
    if (offsetBytes > this.#lengthBytes) return false;
    const start = (await lastNewlineBefore(this.#handle, offsetBytes - 1)) + 1;
    const line = await this.#readAt(start, offsetBytes - start);
    return line.at(-1) === NEWLINE && sha256Of(line.toString('utf8', 0, line.byteLength - 1)) === lineSha256;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #readAt(position: number, length: number): Promise<Buffer> {
    return await readFully(this.#handle, position, length);
  }
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * A crash may leave a last line without its newline. If it is a whole row all the same, only the newline is added; else its bytes
 * go to a file of their own beside the ledger, durable before the ledger is cut.
 */
async function repairTail(path: string, handle: FileHandle): Promise<TailRepair> {
  const { size } = await handle.stat();
  const lineStart = (await lastNewlineBefore(handle, size)) + 1;
  if (lineStart === size) return { kind: 'whole' };
  const torn = await readFully(handle, lineStart, size - lineStart);
  if (isWholeObject(torn.toString('utf8'))) {
    await handle.write('\n', size);
    return { kind: 'completed' };
  }
  const asidePath = `${path}.torn-at-${lineStart}-${createHash('sha256').update(torn).digest('hex').slice(0, 12)}`;
  await writeFileDurably(asidePath, torn);
  await handle.truncate(lineStart);
  return { kind: 'set-aside', path: asidePath, sizeBytes: torn.byteLength };
}

/** The offset of the last newline before `end`, or -1. */
export async function lastNewlineBefore(handle: FileHandle, end: number): Promise<number> {
  for (let stop = end; stop > 0; ) {
    const start = Math.max(0, stop - READ_BYTES);
    const found = (await readFully(handle, start, stop - start)).lastIndexOf(NEWLINE);
    if (found >= 0) return start + found;
    stop = start;
  }
  return -1;
}

async function readFully(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0)
      throw new Error(`the ledger ends at ${position + done}, where ${length - done} bytes more were expected`);
    done += bytesRead;
  }
  return buffer;
}

/** A JSON object that was cut off is none any more, whatever kind of row it was. */
function isWholeObject(line: string): boolean {
  const value = parseJson(line);
  return typeof value === 'object' && value !== null;
}
