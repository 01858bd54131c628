// An episode as the bytes of a tarball, piece by piece: no file is ever whole in memory, and what is not there as it was listed is told.

import { closeSync, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createTarPacker, type TarHeader } from 'modern-tar';
import { AppError } from '../../lib/app-error.ts';
import { asUnreadable, type EpisodeFile, readable } from './list-episode-files.ts';
import { READ_ONLY_FLAGS, readSome } from './quick-files.ts';

export const PIECE_BYTES = 256 * 1024;

/**
 * Everything under one directory named after the episode, so that unpacking two of them side by side mixes nothing up. A piece holds good until
 * the one after the next is asked for. Throws `episode-unreadable`, and `episode-changing` when a file is not the one that was listed.
 */
export async function* tarPieces(
  episodeId: string,
  directory: string,
  files: readonly EpisodeFile[],
): AsyncGenerator<Buffer> {
  const pieces = new PieceBuffers();
  const tar = new TarBytes();
  const linked = new Map<string, string>();
  for (const file of files) {
    const path = join(directory, file.path);
    const header = headerOf(`${episodeId}/${file.path}`, path, file, linked);
    if (header.type === 'file') yield* fileEntry(tar, pieces, path, header, file);
    else await tar.add(header);
  }
  for await (const bytes of tar.rest()) yield* pieces.add(bytes);
  yield pieces.last();
}

/** Owner and group are nobody of this machine, and times whole seconds, so that the same episode is the same bytes. */
function headerOf(name: string, path: string, file: EpisodeFile, linked: Map<string, string>): TarHeader {
  const { mode, mtimeMs, nlink, size } = file.stats;
  const mtime = new Date(Math.max(0, Math.floor(mtimeMs / 1000) * 1000));
  const about = { name, size: 0, mtime, mode: mode & 0o777, uid: 0, gid: 0, uname: '', gname: '' };
  if (file.kind === 'directory') return { ...about, name: `${name}/`, type: 'directory' };
  if (file.kind === 'symlink') {
    return { ...about, type: 'symlink', linkname: readable(path, () => readlinkSync(path)) };
  }
  const other = nlink > 1 ? otherNameOf(path, name, linked) : undefined;
  if (other !== undefined) return { ...about, type: 'link', linkname: other };
  return { ...about, type: 'file', size };
}

async function* fileEntry(
  tar: TarBytes,
  pieces: PieceBuffers,
  path: string,
  header: TarHeader,
  { stats }: EpisodeFile,
): AsyncGenerator<Buffer> {
  const descriptor = readable(path, () => openSync(path, READ_ONLY_FLAGS));
  try {
    const opened = fstatSync(descriptor);
    if (!opened.isFile() || opened.ino !== stats.ino || opened.size !== stats.size) throw changing(path);
    const entry = tar.begin(header);
    let leftBytes = header.size;
    const buffer = Buffer.allocUnsafeSlow(Math.min(leftBytes, PIECE_BYTES));
    while (leftBytes > 0) {
      const bytesRead = await readSome(descriptor, buffer.subarray(0, leftBytes), null).catch((error: unknown) => {
        throw asUnreadable(path, error);
      });
      if (bytesRead === 0) throw changing(path);
      for await (const bytes of entry.write(buffer.subarray(0, bytesRead))) yield* pieces.add(bytes);
      leftBytes -= bytesRead;
    }
    await entry.end();
  } finally {
    closeSync(descriptor);
  }
}

/** By the whole inode number: a rounded one would make a link of another file. Undefined for the first name. */
function otherNameOf(path: string, name: string, linked: Map<string, string>): string | undefined {
  const { dev, ino } = readable(path, () => lstatSync(path, { bigint: true }));
  const other = linked.get(`${dev}:${ino}`);
  if (other === undefined) linked.set(`${dev}:${ino}`, name);
  return other;
}

function changing(path: string): AppError {
  return new AppError('episode-changing', `${path} changed while it was packed`, { retryable: true });
}

/** Two that take turns: one is filled while the other is compressed, and no memory is asked for again. */
class PieceBuffers {
  #filling: Buffer = Buffer.allocUnsafe(PIECE_BYTES);
  #other: Buffer = Buffer.alloc(0);
  #filledBytes = 0;

  *add(bytes: Uint8Array): Generator<Buffer> {
    for (let from = 0; from < bytes.byteLength; ) {
      if (this.#filledBytes === PIECE_BYTES) yield this.next();
      const fitting = bytes.subarray(from, from + PIECE_BYTES - this.#filledBytes);
      this.#filling.set(fitting, this.#filledBytes);
      this.#filledBytes += fitting.byteLength;
      from += fitting.byteLength;
    }
  }

  /** The full one; what comes after goes into the other. */
  next(): Buffer {
    const full = this.last();
    this.#filling = this.#other.byteLength > 0 ? this.#other : Buffer.allocUnsafe(PIECE_BYTES);
    this.#other = full;
    this.#filledBytes = 0;
    return full;
  }

  last(): Buffer {
    return this.#filling.subarray(0, this.#filledBytes);
  }
}

/** The library's bytes, taken as soon as they are there: of a file only what was just written is ever held. */
class TarBytes {
  readonly #packer = createTarPacker();
  readonly #reader = this.#packer.readable.getReader();

  /** An entry without a body. */
  async add(header: TarHeader): Promise<void> {
    await this.#packer.controller.add(header).close();
  }

  begin(header: TarHeader): { write: (bytes: Uint8Array) => AsyncGenerator<Uint8Array>; end: () => Promise<void> } {
    const writer = this.#packer.controller.add(header).getWriter();
    const reader = this.#reader;
    return {
      /** `bytes` may be used again when this is done: it comes out as it went in, behind what was there before. */
      async *write(bytes) {
        const written = writer.write(bytes);
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          yield value;
          if (value.buffer === bytes.buffer) break;
        }
        await written;
      },
      end: () => writer.close(),
    };
  }

  /** All that is left, with the end of the tarball. */
  async *rest(): AsyncGenerator<Uint8Array> {
    this.#packer.controller.finalize();
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) yield next.value;
  }
}
