// Up to where a JSON Lines file was read, and what it was up to there: the mark that is given out as text, and its comparison with a file.

import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../../lib/parse-json.ts';

export interface FollowSizes {
  /** What one digest covers. */
  chunkBytes: number;
  /** At most so much of what was read before is compared in one run. */
  compareBytes: number;
}

const MIB = 1024 * 1024;
export const FOLLOW_SIZES: FollowSizes = { chunkBytes: 4 * MIB, compareBytes: 16 * MIB };

/** Looked at in every run, so that most changes are found at once, whatever the size. */
const EDGE_BYTES = 4096;

const markSchema = z.object({
  format: z.literal(1),
  device: z.string(),
  inode: z.string(),
  /** A line ends here. */
  lengthBytes: z.int().nonnegative(),
  head: z.string(),
  tail: z.string(),
  chunkBytes: z.int().positive(),
  /** Of each chunk; the last one only as far as it was read. */
  chunks: z.array(z.string()),
  /** The whole chunk whose turn it is. */
  nextCompared: z.int().nonnegative(),
});
export type JsonlMark = z.infer<typeof markSchema>;

/** Undefined for what this version has not written. */
export function parseMark(text: string | undefined): JsonlMark | undefined {
  return text === undefined ? undefined : markSchema.safeParse(parseJson(text)).data;
}

export interface Compared {
  /** What the chunk that the mark lies in held before it. */
  lastChunk: Buffer;
  nextCompared: number;
}

/** Undefined when the file is not what the mark tells, as far as this run's turn goes. */
export async function compareWithMark(
  handle: FileHandle,
  { dev, ino, size }: BigIntStats,
  mark: JsonlMark,
  { chunkBytes, compareBytes }: FollowSizes,
): Promise<Compared | undefined> {
  if (String(dev) !== mark.device || String(ino) !== mark.inode || mark.chunkBytes !== chunkBytes) return undefined;
  if (Number(size) < mark.lengthBytes) return undefined;
  const { head, tail } = await edgesOf(handle, mark.lengthBytes);
  if (head !== mark.head || tail !== mark.tail) return undefined;
  const wholeChunks = Math.floor(mark.lengthBytes / chunkBytes);
  const isAsRead = async (index: number, length: number): Promise<Buffer | undefined> => {
    const chunk = await readUpTo(handle, index * chunkBytes, length);
    return (await digestOf(chunk)) === mark.chunks[index] ? chunk : undefined;
  };
  const lastBytes = mark.lengthBytes % chunkBytes;
  const lastChunk = lastBytes === 0 ? Buffer.alloc(0) : await isAsRead(wholeChunks, lastBytes);
  if (!lastChunk) return undefined;
  const turns = Math.min(wholeChunks, Math.floor((compareBytes - lastBytes) / chunkBytes));
  for (let turn = 0; turn < turns; turn += 1) {
    if (!(await isAsRead((mark.nextCompared + turn) % wholeChunks, chunkBytes))) return undefined;
  }
  return { lastChunk, nextCompared: wholeChunks === 0 ? 0 : (mark.nextCompared + turns) % wholeChunks };
}

/** Digests of the first and the last bytes of what lies before `lengthBytes`. */
export async function edgesOf(handle: FileHandle, lengthBytes: number): Promise<{ head: string; tail: string }> {
  const edgeBytes = Math.min(EDGE_BYTES, lengthBytes);
  const head = await digestOf(await readUpTo(handle, 0, edgeBytes));
  return { head, tail: await digestOf(await readUpTo(handle, lengthBytes - edgeBytes, edgeBytes)) };
}

/** Made outside of this thread, beside whatever is being parsed. Half of SHA-256 in base64url: a mark of a large file stays small. */
export async function digestOf(bytes: Buffer): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Buffer.from(digest, 0, 16).toString('base64url');
}

/** Fewer bytes when the file ends before. */
export async function readUpTo(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
