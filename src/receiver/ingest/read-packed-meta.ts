// The stamp inside a stored tarball: its meta.json, which is packed first, so that only the beginning is read.

import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { MAX_META_BYTES, META_FILE, type MetaStamp, readMetaStamp } from '../../protocol/episode-meta.ts';

const UNSTAMPED: MetaStamp = { commit: undefined, dirty: false, schemaVersion: undefined };

/** Unstamped when the tarball is no tarball, or its first entry is no meta.json: the bytes are the client's. */
export async function readPackedMeta(tarball: Readable): Promise<MetaStamp> {
  const decompressed = tarball.pipe(createZstdDecompress());
  tarball.on('error', (error) => decompressed.destroy(error));
  try {
    const bytes = NodeReadable.toWeb(decompressed) as ReadableStream<Uint8Array<ArrayBuffer>>;
    for await (const entry of bytes.pipeThrough(createTarDecoder())) {
      const segments = entry.header.name.split('/').filter((segment) => segment !== '.');
      const isMeta = segments.length <= 2 && segments.at(-1) === META_FILE && entry.header.size <= MAX_META_BYTES;
      if (!isMeta) return UNSTAMPED;
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
