// One episode into the bag. Bytes to a partial file, hashed on the way, compared with the ledger's digest, fsynced, renamed: what has its
// name in data/ is what was stored. A partial that a crash left is gone on with.

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, lstat, open, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../lib/app-error.ts';
import { explainSyncError, writing } from '../lib/explain-write-error.ts';
import { removeFile } from '../lib/remove-file.ts';
import type { SequencedRow } from '../protocol/ledger-row.ts';
import type { BagDirectory } from './bag/bag-directory.ts';
import type { BagDisk } from './bag/bag-disk.ts';
import { episodePath, partialPath } from './bag/bag-layout.ts';
import { EpisodeLoss, type EpisodeSource, keyOf, type LossKind } from './episode-source.ts';
import { reading } from './explain-read-error.ts';
import { hashFile } from './hash-file.ts';
import { instantOf } from './selection.ts';

export interface CopyOptions {
  bag: BagDirectory;
  source: EpisodeSource;
  /** Hash what the bag has, too, where its time says that nobody has changed it. */
  verify: boolean;
  /** Bytes of this episode that are known to be good, more each time. */
  onBytes: (bytes: number) => void;
  signal: AbortSignal;
}

/** `replaced`: what the bag had under this name was not what was stored. */
export type Copied =
  | { kind: 'kept' | 'added' | 'replaced' | 'interrupted' }
  | { kind: 'lost'; why: LossKind; detail: string };

/** Throws `disk-full`, `cannot-write`, `cannot-read`, `sync-failed`, and what keeps the source from answering at all. */
export async function copyEpisode(row: SequencedRow, options: CopyOptions): Promise<Copied> {
  const { bag, signal } = options;
  const found = await inBag(row, options);
  if (signal.aborted) return { kind: 'interrupted' };
  if (found === 'good') return { kind: 'kept' };
  if (found === 'bad') await bag.removeEpisode(keyOf(row));
  try {
    const fetched = await fetchEpisode(row, options);
    if (fetched === 'interrupted') return { kind: 'interrupted' };
    return { kind: found === 'bad' ? 'replaced' : 'added' };
  } catch (error) {
    if (signal.aborted) return { kind: 'interrupted' };
    if (!(error instanceof EpisodeLoss)) throw error;
    // What may be had later is gone on with.
    const path = partialPath(bag.path, keyOf(row));
    if (error.kind !== 'unreadable') await writing(path, () => removeFile(path));
    return { kind: 'lost', why: error.kind, detail: error.message };
  }
}

async function inBag(
  row: SequencedRow,
  { bag, verify, onBytes, signal }: CopyOptions,
): Promise<'good' | 'bad' | 'absent'> {
  const path = join(bag.path, episodePath(keyOf(row)));
  const found = await reading(path, () =>
    lstat(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      return undefined;
    }),
  );
  if (!found) return 'absent';
  if (!found.isFile() || found.size !== row.bytes) return 'bad';
  const time = timeOf(row);
  // Set when it had been hashed.
  if (!verify && time !== undefined && Math.abs(found.mtimeMs - time.getTime()) < 1) return 'good';
  const hash = createHash('sha256');
  const read = await hashFile(path, { disk: bag.disk, hash, onBytes, signal });
  if (read !== 'whole' || hash.digest('hex') !== row.sha256) return 'bad';
  if (time) await writing(path, () => utimes(path, time, time));
  return 'good';
}

async function fetchEpisode(row: SequencedRow, options: CopyOptions): Promise<'placed' | 'interrupted'> {
  const { bag, onBytes, signal } = options;
  const key = keyOf(row);
  const path = partialPath(bag.path, key);
  for (;;) {
    await using handle = await writing(path, () => open(path, 'a+', 0o644));
    bag.afterStep('partial-opened');
    const hash = createHash('sha256');
    const before = await goOn(path, handle, row, hash, options);
    if (signal.aborted) return 'interrupted';
    if (before === 'unreadable') {
      // A new file lies elsewhere on the disk.
      await writing(path, () => removeFile(path));
      onBytes(0);
      continue;
    }
    const sizeBytes = await append(row, before, { handle, path, hash, ...options });
    if (signal.aborted) return 'interrupted';
    const sha256 = hash.digest('hex');
    if (sizeBytes === row.bytes && sha256 === row.sha256) {
      await place(row, handle, bag);
      return 'placed';
    }
    await writing(path, () => handle.truncate(0));
    onBytes(0);
    if (before === 0) throw lossOf(row, sizeBytes, sha256);
    // A power cut may have left other bytes in the partial than were written: once more, from the first on.
  }
}

/** How much of the partial is there already. */
async function goOn(
  path: string,
  handle: FileHandle,
  row: SequencedRow,
  hash: Hash,
  { bag, onBytes, signal }: CopyOptions,
): Promise<number | 'unreadable'> {
  const { size } = await reading(path, () => handle.stat());
  if (size === 0) return 0;
  if (size <= row.bytes) {
    const read = await hashFile(path, { disk: bag.disk, hash, onBytes, signal });
    return read === 'unreadable' ? read : size;
  }
  await writing(path, () => handle.truncate(0));
  return 0;
}

interface Partial extends CopyOptions {
  handle: FileHandle;
  path: string;
  hash: Hash;
}

/** Resolves with the size of the whole. */
async function append(
  row: SequencedRow,
  before: number,
  { bag, source, onBytes, signal, handle, path, hash }: Partial,
): Promise<number> {
  let sizeBytes = before;
  if (sizeBytes === row.bytes) return sizeBytes;
  for await (const chunk of source.read(row, before, signal)) {
    if (signal.aborted) break;
    sizeBytes += chunk.byteLength;
    if (sizeBytes > row.bytes) break;
    hash.update(chunk);
    await writing(path, () => handle.appendFile(chunk));
    bag.afterStep('partial-written');
    onBytes(sizeBytes);
  }
  return sizeBytes;
}

async function place(row: SequencedRow, handle: FileHandle, bag: BagDirectory): Promise<void> {
  const key = keyOf(row);
  const time = timeOf(row);
  const [from, to] = [partialPath(bag.path, key), join(bag.path, episodePath(key))];
  await writing(to, async () => {
    if (time) await handle.utimes(time, time);
    await makeDurable(from, handle, bag.disk);
    bag.afterStep('partial-synced');
    await bag.beginChange();
    await bag.ensureHost(key.hostId);
    await rename(from, to);
    bag.afterStep('episode-placed');
    // Not before: a partial is opened for writing again. A disk without modes (exFAT) can do without.
    await handle.chmod(0o444).catch(() => undefined);
  });
}

/** After a failed fsync the kernel may have dropped what was written, and would report success next time: the file is not gone on with. */
async function makeDurable(path: string, handle: FileHandle, disk: BagDisk): Promise<void> {
  try {
    await disk.sync(handle);
  } catch (error) {
    const isGone = await removeFile(path).then(
      () => true,
      () => false,
    );
    throw explainSyncError(path, error, isGone);
  }
}

function lossOf(row: SequencedRow, sizeBytes: number, sha256: string): EpisodeLoss {
  if (sizeBytes === row.bytes) return new EpisodeLoss('changed', `its SHA-256 is ${sha256}, in its row ${row.sha256}`);
  const size = sizeBytes > row.bytes ? 'more' : sizeBytes;
  return new EpisodeLoss('wrong-size', `it has ${size} bytes, its row ${row.bytes}`);
}

/** When it was stored, as the file's own time: what nobody has touched needs no second hashing. */
function timeOf(row: SequencedRow): Date | undefined {
  const instant = instantOf(row.received_at_wall);
  return instant && new Date(instant.epochMilliseconds);
}
