// A tar stream as a tree of files, one entry after the other; nothing that is there already is written over or through.

import { createHash } from 'node:crypto';
import { mkdir, open, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';

/** Entries as they come; each body has to be read to its end before the next. */
export function tarEntries(bytes: Readable): ReadableStream<ParsedTarEntry> {
  return (Readable.toWeb(bytes) as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(createTarDecoder());
}

/** Returns its SHA-256. `mode` whatever the umask. Throws the system's error, EEXIST for a name that is taken. */
export async function writeFileOf(
  tree: string,
  path: string,
  body: AsyncIterable<Uint8Array>,
  mode: number,
): Promise<string> {
  const target = join(tree, path);
  await makeParents(tree, target);
  const handle = await open(target, 'wx', mode);
  const hash = createHash('sha256');
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      await handle.appendFile(chunk);
    }
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

export async function linkOf(tree: string, path: string, target: string): Promise<void> {
  await makeParents(tree, join(tree, path));
  await symlink(target, join(tree, path));
}

export async function textOf(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Root's, whom no umask may keep the others out of. */
async function makeParents(tree: string, target: string): Promise<void> {
  const parent = dirname(target);
  if (parent === tree) return;
  await mkdir(parent, { recursive: true, mode: 0o755 });
}
