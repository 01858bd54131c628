// The stamp inside a stored tarball: its meta.json. Our shipper packs it first, so that only the beginning is read; other packers put
// directories or files before it.

import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { MAX_META_BYTES, META_FILE, type MetaStamp, readMetaStamp } from '../../protocol/episode-meta.ts';

const UNSTAMPED: MetaStamp = { commit: undefined, dirty: false, schemaVersion: undefined };

// The bytes are the client's: a few kilobytes may hold terabytes of zeros.
const MOST_BYTES_BEFORE = 256 * 1024 ** 2;

/** Unstamped when the tarball is no tarball, or has no meta.json at its top within its first 256 MiB. */
export async function readPackedMeta(tarball: Readable): Promise<MetaStamp> {
  const decompressed = tarball.pipe(createZstdDecompress());
  tarball.on('error', (error) => decompressed.destroy(error));
  try {
    const bytes = NodeReadable.toWeb(decompressed) as ReadableStream<Uint8Array<ArrayBuffer>>;
    let bytesBefore = 0;
    for await (const entry of bytes.pipeThrough(createTarDecoder())) {
      if (!isMeta(entry.header)) {
        for await (const chunk of entry.body) {
          bytesBefore += chunk.byteLength;
          if (bytesBefore > MOST_BYTES_BEFORE) return UNSTAMPED;
        }
        continue;
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.body) chunks.push(chunk);
      return readMetaStamp(Buffer.concat(chunks).toString('utf8'));
    }
    return UNSTAMPED;
  } catch {
    return UNSTAMPED;
  } finally {
    tarball.destroy();
    decompressed.destroy();
  }
}

function isMeta({ name, size }: { name: string; size: number }): boolean {
  const segments = name.split('/').filter((segment) => segment !== '.');
  return segments.length <= 2 && segments.at(-1) === META_FILE && size <= MAX_META_BYTES;
}
