// What a bundle is made of: a tree's files and links in byte order of their paths. What could not be the same elsewhere is refused.

import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { AppError } from '../lib/app-error.ts';

export type TreeEntry =
  | { kind: 'file'; path: string; sizeBytes: number; mode: '644' | '755' }
  | { kind: 'link'; path: string; target: string };

/** Without what `belongs` denies, and without the links that lead there. Throws `bad-input`. */
export async function listTree(root: string, belongs: (path: string) => boolean): Promise<TreeEntry[]> {
  const entries = await entriesBelow(root, '', belongs);
  return entries
    .map((entry) => ({ entry, bytes: Buffer.from(entry.path) }))
    .sort((one, other) => one.bytes.compare(other.bytes))
    .map(({ entry }) => entry);
}

async function entriesBelow(root: string, directory: string, belongs: (path: string) => boolean): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const found of await readdir(join(root, directory), { withFileTypes: true })) {
    const path = posix.join(directory, found.name);
    if (/[\uFFFD\\\p{Cc}]/u.test(found.name))
      throw refused(path, 'its name has a backslash, a control character or no UTF-8');
    if (!belongs(path)) continue;
    if (found.isDirectory()) {
      entries.push(...(await entriesBelow(root, path, belongs)));
    } else if (found.isSymbolicLink()) {
      const target = await readlink(join(root, path));
      if (belongs(insideTree(path, target))) entries.push({ kind: 'link', path, target });
    } else if (found.isFile()) {
      const { size, mode } = await lstat(join(root, path));
      // The owner's right alone: the others' hang on this machine's umask.
      entries.push({ kind: 'file', path, sizeBytes: size, mode: (mode & 0o100) !== 0 ? '755' : '644' });
    } else {
      throw refused(path, 'it is neither file nor directory nor link');
    }
  }
  return entries;
}

/** Where the link leads, from the top of the tree. */
function insideTree(path: string, target: string): string {
  const inside = posix.join(posix.dirname(path), target);
  if (posix.isAbsolute(target) || inside === '..' || inside.startsWith('../')) {
    throw refused(path, `it is a link that leaves the tree: ${target}`);
  }
  return inside;
}

function refused(path: string, why: string): AppError {
  return new AppError('bad-input', `${JSON.stringify(path)} cannot be in a bundle: ${why}`, {
    hint: 'take it out of the commit',
  });
}
