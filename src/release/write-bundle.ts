// A tree as a bundle: the same bytes for the same tree, whoever packs it, wherever and when; whole under its name, or not there.
// Durable order: partial written → fsync → rename → fsync directory.

import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { packTar, type TarSource } from 'modern-tar/fs';
import { fsyncDirectory, toJsonFile } from '../lib/durable-file.ts';
import { removeFile } from '../lib/remove-file.ts';
import { MANIFEST_FILE, type Manifest } from '../protocol/release.ts';

// Above it each megabyte that is saved takes seconds.
const ZSTD_LEVEL = 9;
const PIECE_BYTES = 256 * 1024;

/** Throws the system's error; then there is no bundle and no partial one. */
export async function writeBundle(
  path: string,
  { tree, manifest, committedAt }: { tree: string; manifest: Manifest; committedAt: Date },
): Promise<{ sha256: string; sizeBytes: number }> {
  const partial = `${path}.partial`;
  try {
    const written = await compressTo(partial, packTar(sourcesOf(tree, manifest, committedAt)));
    await rename(partial, path);
    await fsyncDirectory(dirname(path));
    return written;
  } catch (error) {
    await removeFile(partial);
    throw error;
  }
}

function sourcesOf(tree: string, manifest: Manifest, mtime: Date): TarSource[] {
  const owner = { uid: 0, gid: 0, uname: '', gname: '' };
  const about = (target: string, mode: number) => ({ target, mode, mtime, ...owner });
  return [
    { type: 'content', content: toJsonFile(manifest), ...about(MANIFEST_FILE, 0o644) },
    ...manifest.files.map((file): TarSource => {
      const mode = 'link' in file ? 0o777 : Number.parseInt(file.mode, 8);
      return { type: 'file', source: join(tree, file.path), ...about(file.path, mode) };
    }),
  ];
}

async function compressTo(path: string, tar: Readable): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 };
  const zstd = createZstdCompress({ params });
  const handle = await open(path, 'w', 0o644);
  try {
    const written = pipeline(zstd, async (compressed: AsyncIterable<Buffer>) => {
      for await (const piece of compressed) {
        hash.update(piece);
        sizeBytes += piece.byteLength;
        await handle.writeFile(piece);
      }
    });
    await Promise.all([written, feed(zstd, tar)]);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/**
 * Each piece is done before the next is given: of what is queued at its end, zstd makes an empty frame or none, as it happens
 * (nodejs/node#66078), and the bundle would be another.
 */
async function feed(zstd: ReturnType<typeof createZstdCompress>, tar: Readable): Promise<void> {
  const done = (piece: Buffer) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    zstd.write(piece, (error) => (error ? reject(error) : resolve()));
    return promise;
  };
  try {
    for await (const piece of piecesOf(tar)) await done(piece);
    zstd.end();
  } catch (error) {
    zstd.destroy(error as Error);
    throw error;
  }
}

/** All of one size but the last, however they come in. */
async function* piecesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(PIECE_BYTES);
  let filledBytes = 0;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.byteLength; ) {
      const copiedBytes = chunk.copy(piece, filledBytes, from);
      from += copiedBytes;
      filledBytes += copiedBytes;
      if (filledBytes < PIECE_BYTES) continue;
      yield piece;
      piece = Buffer.allocUnsafe(PIECE_BYTES);
      filledBytes = 0;
    }
  }
  if (filledBytes > 0) yield piece.subarray(0, filledBytes);
}
