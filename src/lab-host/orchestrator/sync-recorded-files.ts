// Makes all that was recorded durable and says what it is: every regular file hashed and fsynced, then every directory.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import type { EpisodeMeta } from '../../protocol/episode-meta.ts';

export interface SyncedFiles {
  /** Regular files with `/`-separated paths relative to the top, sorted by path. */
  files: EpisodeMeta['files'];
  /** Entries that stay but are not listed: symlinks, sockets, pipes, devices, and names that are not UTF-8. */
  unlisted: number;
}

interface Tree {
  files: Buffer[];
  directories: Buffer[];
  others: number;
}

/** Each fsync waits for the disk, and the disk serves several at a time: this keeps 100,000 small files from taking minutes. */
const CONCURRENCY = 8;
const SLASH = Buffer.from('/');

/**
 * Streams each file once; none is held in memory. Nothing is followed out of `directory`. The directory itself is left to
 * the caller, who still adds names to it. Throws the system's error for what cannot be read.
 */
export async function syncRecordedFiles(directory: string): Promise<SyncedFiles> {
  const top = Buffer.from(directory);
  const tree: Tree = { files: [], directories: [], others: 0 };
  await walk(top, tree);
  const files: EpisodeMeta['files'] = [];
  let { others: unlisted } = tree;
  await forEachOf(tree.files, async (path) => {
    const digest = await hashAndSync(path);
    const relative = path.subarray(top.length + 1);
    const text = relative.toString('utf8');
    if (!Buffer.from(text).equals(relative)) unlisted += 1;
    else files.push({ path: text, ...digest });
  });
  await forEachOf(tree.directories, syncDirectory);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, unlisted };
}

/** Names are bytes: a name that is not UTF-8 would not be found again by its decoded form. */
async function walk(directory: Buffer, tree: Tree): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([directory, SLASH, entry.name]);
    if (entry.isDirectory()) {
      await walk(path, tree);
      tree.directories.push(path);
    } else if (entry.isFile()) tree.files.push(path);
    else tree.others += 1;
  }
}

/** O_NOFOLLOW and O_NONBLOCK: a name that was swapped since for a link fails, and one for a pipe cannot hang us. */
async function hashAndSync(path: Buffer): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    await handle.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function syncDirectory(path: Buffer): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function forEachOf(paths: readonly Buffer[], work: (path: Buffer) => Promise<void>): Promise<void> {
  const queue = paths.values();
  const worker = async () => {
    for (const path of queue) await work(path);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
