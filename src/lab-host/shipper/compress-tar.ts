// A tarball's pieces through zstd, hashed on the way. Memory does not grow with the size; what fits in one piece takes no detour.

import { createHash } from 'node:crypto';
import type { TransformOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, type ZstdOptions, zstdCompressSync } from 'node:zlib';
import { PIECE_BYTES } from './tar-pieces.ts';

// Each is one turn through the thread pool, and one write.
const COMPRESSED_PIECE_BYTES = 128 * 1024;

export interface Compressing {
  zstdLevel: number;
  /** Called with each compressed piece, and awaited. What it throws ends the work. */
  write: (piece: Buffer) => Promise<void>;
}

/** Each of `pieces` may be used again once the one after next is asked for. Throws what they or `write` throw. */
export async function compressTar(
  pieces: AsyncGenerator<Buffer>,
  { zstdLevel, write }: Compressing,
): Promise<{ sha256: string; sizeBytes: number }> {
  const params = { [constants.ZSTD_c_compressionLevel]: zstdLevel, [constants.ZSTD_c_checksumFlag]: 1 };
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const take = async (piece: Buffer) => {
    hash.update(piece);
    sizeBytes += piece.byteLength;
    await write(piece);
  };
  const first = await pieces.next();
  const second = await pieces.next();
  if (first.done !== true && second.done === true) {
    await take(zstdCompressSync(first.value, { params, pledgedSrcSize: first.value.byteLength }));
  } else {
    const zstd = createZstdCompress(streamOptions(params));
    await pipeline(
      async function* () {
        if (first.done !== true) yield first.value;
        if (second.done !== true) yield second.value;
        yield* pieces;
      },
      zstd,
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const piece of compressed) await take(piece);
      },
    );
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** It takes a second piece while it is at the first, and no third before it is done with both. */
function streamOptions(params: ZstdOptions['params']): ZstdOptions & TransformOptions {
  return { params, chunkSize: COMPRESSED_PIECE_BYTES, writableHighWaterMark: PIECE_BYTES + 1 };
}
