// The files of a packed episode, one after the other, read from its stored stream: each is passed over unless it is read.

import { type Readable as NodeStream, pipeline, Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setImmediate } from 'node:timers/promises';
import { createZstdDecompress } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';

// As long as a path may be for Linux. One archive header may give a name of megabytes to each of its thousands of files.
const LONGEST_NAME = 4_096;
// Empty files come out of memory, hundreds of thousands of them in a few kilobytes: others get their turn in between.
const ENTRIES_IN_A_TURN = 64;

export interface WalkLimits {
  /** That come out of the tarball. */
  mostBytes?: number;
  /** Files, directories and whatever else is listed. */
  mostEntries?: number;
  signal?: AbortSignal;
}

export interface PackedFile {
  /** Below the episode's directory, as its packer wrote it: anything may stand there. Empty for that directory itself. */
  path: string;
  /** As the archive has it. */
  name: string;
  isDirectory: boolean;
  sizeBytes: number;
  modifiedAt: Date | undefined;
  /** Its bytes; to be read to their end before the next file is asked for, or not at all. */
  content: AsyncIterable<Uint8Array>;
}

/**
 * Throws what the archive is damaged by, RangeError for a name that no file can have and for more than the limits allow (a few kilobytes
 * may hold terabytes of zeros), and the signal's reason. The stream is closed when the walk ends, however it ends.
 */
export async function* walkPacked(tarball: NodeStream, limits: WalkLimits = {}): AsyncGenerator<PackedFile> {
  const { mostBytes = Number.POSITIVE_INFINITY, mostEntries = Number.POSITIVE_INFINITY, signal } = limits;
  const plain = createZstdDecompress();
  const bounded = boundedAt(mostBytes);
  // A failure of any reaches the reader of the last.
  pipeline(tarball, plain, bounded, () => undefined);
  const bytes = Readable.toWeb(bounded) as ReadableStream<Uint8Array<ArrayBuffer>>;
  let entries = 0;
  try {
    for await (const { header, body } of bytes.pipeThrough(createTarDecoder({ strict: true }))) {
      if (header.name.length > LONGEST_NAME) throw new RangeError(`a name of more than ${LONGEST_NAME} characters`);
      entries += 1;
      if (entries > mostEntries) throw new RangeError(`more than ${mostEntries} entries`);
      if (entries % ENTRIES_IN_A_TURN === 0) await setImmediate();
      signal?.throwIfAborted();
      const slash = header.name.indexOf('/');
      let isRead = false;
      const content = async function* () {
        isRead = true;
        for await (const chunk of body) {
          signal?.throwIfAborted();
          yield chunk;
        }
      };
      yield {
        path: slash < 0 ? '' : header.name.slice(slash + 1),
        name: header.name,
        isDirectory: header.type === 'directory',
        sizeBytes: header.size,
        modifiedAt: header.mtime,
        content: { [Symbol.asyncIterator]: content },
      };
      // Read to its end: the decoder takes the cancelling of one file for that of the next, where it has begun with that.
      if (!isRead) for await (const _ of content());
    }
  } finally {
    for (const stream of [tarball, plain, bounded]) stream.destroy();
  }
}

function boundedAt(mostBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) done(new RangeError(`more than ${mostBytes} bytes`));
      else done(null, chunk);
    },
  });
}
