// The ledger's whole lines, added to a copy of it. What a copy has once is never changed: another ledger is refused.

import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, isMissing, isNoRoom } from '../../lib/app-error.ts';
import { fsyncDirectory } from '../../lib/durable-file.ts';
import { diskFull } from './disk-errors.ts';
import { lastNewlineBefore } from './ledger-file.ts';

const READ_BYTES = 1024 * 1024;

/** Throws `another-ledger` when the copy, if there is one, holds what the ledger does not begin with. */
export async function requireContinuation(from: string, to: string): Promise<void> {
  await using source = await openLedger(from);
  await using target = await open(to, 'a+', 0o644);
  const { size: held } = await target.stat();
  if (held <= (await endOf(source)) && (await isSame(source, target, held))) return;
  throw new AppError('another-ledger', `${to} holds rows with which ${from} does not begin`, {
    hint: 'the store lost rows, or is another one: look at both; for a new backup name an empty directory',
  });
}

/** Of a ledger that continues its copy. A line that a kill has cut off there is ended by the next copy. Throws `disk-full`. */
export async function copyLedger(from: string, to: string): Promise<void> {
  await using source = await openLedger(from);
  await using target = await open(to, 'a', 0o644);
  const { size: held } = await target.stat();
  try {
    for await (const piece of pieces(source, held, await endOf(source))) await target.appendFile(piece);
  } catch (error) {
    if (isNoRoom(error)) throw diskFull(to, error);
    throw error;
  }
  await target.sync();
  await fsyncDirectory(dirname(to));
}

async function openLedger(path: string): Promise<FileHandle> {
  return await open(path, 'r').catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new AppError('another-ledger', `there is no ${path}`, {
      hint: 'put it back from the last backup, or make it again: cis490 index backfill',
      cause: error,
    });
  });
}

/** Behind its last whole line: the receiver may be writing the next. */
async function endOf(ledger: FileHandle): Promise<number> {
  return (await lastNewlineBefore(ledger, (await ledger.stat()).size)) + 1;
}

async function isSame(source: FileHandle, target: FileHandle, length: number): Promise<boolean> {
  const there = pieces(target, 0, length);
  for await (const piece of pieces(source, 0, length)) {
    const { value } = await there.next();
    if (!value || !piece.equals(value)) return false;
  }
  return true;
}

/** Each of the same length but the last, so that those of two files can be compared. */
async function* pieces(handle: FileHandle, from: number, end: number): AsyncGenerator<Buffer, undefined> {
  for (let position = from; position < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
    for (let done = 0; done < piece.byteLength; ) {
      const { bytesRead } = await handle.read(piece, done, piece.byteLength - done, position + done);
      if (bytesRead === 0) throw new AppError('another-ledger', 'a ledger was cut while it was read');
      done += bytesRead;
    }
    position += piece.byteLength;
    yield piece;
  }
  return undefined;
}
