// Whether a release on the disk is whole: each file that its manifest lists is there with its digest and mode, and its stamp is its own.

import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errnoOf } from '../../lib/app-error.ts';
import { digestOfFile } from '../../lib/digest-of-file.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { MANIFEST_FILE, type Manifest } from '../../protocol/release.ts';
import { readInstalledVersion } from '../installed-version.ts';
import { forEachPooled } from './pooled.ts';
import { parseManifest } from './safe-manifest.ts';

/** What is wrong with it, in a few words; undefined when it is whole. What lies in it besides is not looked at. */
export async function faultOfTree(
  tree: string,
  expected: { commit: string; platform: string },
): Promise<string | undefined> {
  const text = await readIfThere(join(tree, MANIFEST_FILE)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return 'it has no manifest';
  let manifest: Manifest;
  try {
    manifest = parseManifest(text, expected);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
  if ((await readInstalledVersion(tree))?.commit !== expected.commit) return 'its VERSION is not its own';
  const faults: string[] = [];
  await forEachPooled(manifest.files, async (file) => {
    if (faults.length === 0 && !(await isAsListed(tree, file))) faults.push(`${file.path} is not as it is listed`);
  });
  return faults[0];
}

async function isAsListed(tree: string, file: Manifest['files'][number]): Promise<boolean> {
  const path = join(tree, file.path);
  try {
    const stats = await lstat(path);
    if ('link' in file) return stats.isSymbolicLink() && (await readlink(path)) === file.link;
    if (!stats.isFile() || stats.size !== file.bytes || (stats.mode & 0o777) !== Number.parseInt(file.mode, 8))
      return false;
    return (await digestOfFile(path)).sha256 === file.sha256;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}
