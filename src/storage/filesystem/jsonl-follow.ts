// Reads what came into a JSON Lines file since a mark, in whole lines. A file that was replaced, cut or rewritten is told from one that
// grew, and read anew. A last line without its newline is left for the next time.

import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError, messageOf } from '../../lib/app-error.ts';
import {
  compareWithMark,
  digestOf,
  edgesOf,
  FOLLOW_SIZES,
  type FollowSizes,
  parseMark,
  readUpTo,
} from './jsonl-mark.ts';
import { cutIntoPieces, NEWLINE } from './line-pieces.ts';

const LOOK_BACK_BYTES = 1024 * 1024;
const MAX_TAIL_BYTES = 64 * 1024;
const MAX_LOOKS = 3;

export interface JsonlNews {
  /** True when it is read from its first line. */
  isAnew: boolean;
  /** Whole lines, each with its newline, some thousands of them at once. To be read to its end, once. */
  pieces: AsyncIterable<Buffer>;
  /** After `pieces` came to its end. */
  mark(): string;
  /** What stands behind the last newline, at most 64 KiB of it. */
  torn: Buffer;
}

/** Throws `cannot-read`. */
export async function followJsonl(
  path: string,
  markText: string | undefined,
  sizes = FOLLOW_SIZES,
): Promise<JsonlNews> {
  // Without waiting: the opening of a pipe would wait for who writes into it.
  const handle = await orCannotRead(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    return await orCannotRead(path, beginReading(path, handle, markText, sizes));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function beginReading(path: string, handle: FileHandle, markText: string | undefined, sizes: FollowSizes) {
  const stats = await handle.stat({ bigint: true });
  if (!stats.isFile()) throw new Error('it is no file');
  const mark = parseMark(markText);
  const compared = mark && (await compareWithMark(handle, stats, mark, sizes));
  const known = mark && compared ? { ...mark, ...compared } : undefined;
  const startBytes = known?.lengthBytes ?? 0;
  const end = await endOfLines(handle, startBytes);
  const { chunkBytes } = sizes;
  const chunks = known?.chunks.slice(0, Math.floor(startBytes / chunkBytes)) ?? [];
  let newMark: string | undefined;

  const readChunk = async (index: number, before: Buffer = Buffer.alloc(0)): Promise<Buffer> => {
    const from = index * chunkBytes + before.byteLength;
    const wanted = Math.max(0, Math.min((index + 1) * chunkBytes, end.offsetBytes) - from);
    const read = await readUpTo(handle, from, wanted);
    if (read.byteLength < wanted) throw wasCut(path);
    return before.byteLength > 0 ? Buffer.concat([before, read]) : read;
  };

  /** Each whole, so that it can be digested; told without what was read before. One is read ahead. */
  async function* newBytes(): AsyncGenerator<Buffer> {
    let skipBytes = startBytes % chunkBytes;
    let next = readChunk(chunks.length, known?.lastChunk);
    while (chunks.length * chunkBytes < end.offsetBytes) {
      const chunk = await next;
      next = readChunk(chunks.length + 1);
      // Awaited in the next turn, or never, when whoever reads has stopped.
      next.catch(() => undefined);
      const digest = digestOf(chunk);
      if (skipBytes < chunk.byteLength) yield chunk.subarray(skipBytes);
      skipBytes = 0;
      chunks.push(await digest);
    }
  }

  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      yield* cutIntoPieces(newBytes());
      newMark = JSON.stringify({
        format: 1,
        device: String(stats.dev),
        inode: String(stats.ino),
        lengthBytes: end.offsetBytes,
        ...(await edgesOf(handle, end.offsetBytes)),
        chunkBytes,
        chunks,
        nextCompared: known?.nextCompared ?? 0,
      });
    } catch (error) {
      throw asCannotRead(path, error);
    } finally {
      await handle.close();
    }
  }

  return {
    isAnew: known === undefined,
    pieces: pieces(),
    mark: () => {
      if (newMark === undefined) throw new Error('the mark of a file that was not read to its end');
      return newMark;
    },
    torn: end.torn,
  };
}

/** Behind the last newline, at or after `startBytes`, where a line ends; and what follows it. */
async function endOfLines(handle: FileHandle, startBytes: number): Promise<{ offsetBytes: number; torn: Buffer }> {
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const { size }: BigIntStats = await handle.stat({ bigint: true });
    const found = await lookForEnd(handle, startBytes, Number(size));
    if (found) return found;
  }
  throw new Error('it becomes shorter again and again');
}

/** Undefined when the file has become shorter meanwhile: its writer took back what was not whole. */
async function lookForEnd(handle: FileHandle, startBytes: number, sizeBytes: number) {
  if (sizeBytes < startBytes) return undefined;
  let offsetBytes = startBytes;
  for (let stop = sizeBytes; stop > startBytes; ) {
    const from = Math.max(startBytes, stop - LOOK_BACK_BYTES);
    const bytes = await readUpTo(handle, from, stop - from);
    if (bytes.byteLength < stop - from) return undefined;
    const newline = bytes.lastIndexOf(NEWLINE);
    if (newline >= 0) {
      offsetBytes = from + newline + 1;
      break;
    }
    stop = from;
  }
  return { offsetBytes, torn: await readUpTo(handle, offsetBytes, Math.min(sizeBytes - offsetBytes, MAX_TAIL_BYTES)) };
}

async function orCannotRead<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw asCannotRead(path, error);
  }
}

function asCannotRead(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('cannot-read', `${path} cannot be read: ${messageOf(error)}`, {
    hint: `see whether it is there, and who may read it: ls -l ${path}`,
    cause: error,
  });
}

function wasCut(path: string): AppError {
  return new AppError('cannot-read', `${path} became shorter while it was read`, {
    retryable: true,
    hint: `run it again; if it happens again, see who writes to it: fuser -v ${path}`,
  });
}
