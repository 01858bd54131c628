// Everything below a directory, and all of it made durable.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fsyncPath } from '../../lib/durable-file.ts';
import { forEachPooled } from './pooled.ts';

export interface Tree {
  /** Relative, with `/`. */
  files: string[];
  links: string[];
  /** What is in a directory comes before it; the top is the last, and ''. */
  directories: string[];
}

/** Where a program leaves what it can make anew. */
const CACHE_DIRECTORY = 'node_modules/.cache';

/** Without the caches that programs leave in a tree. */
export async function walkTree(top: string): Promise<Tree> {
  const tree: Tree = { files: [], links: [], directories: [] };
  const walk = async (directory: string) => {
    for (const entry of await readdir(join(top, directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (path === CACHE_DIRECTORY) continue;
      if (entry.isDirectory()) await walk(path);
      else (entry.isSymbolicLink() ? tree.links : tree.files).push(path);
    }
    tree.directories.push(directory);
  };
  await walk('');
  return tree;
}

/** Files, then the directories that name them. */
export async function syncTree(top: string): Promise<void> {
  const { files, directories } = await walkTree(top);
  await forEachPooled(files, (path) => fsyncPath(join(top, path)));
  await forEachPooled(directories, (path) => fsyncPath(join(top, path)));
}
