// A verified bundle as a tree: entry by entry what its manifest lists, in its order, with its digests and modes, and nothing else.

import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import type { ParsedTarEntry } from 'modern-tar';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { MANIFEST_FILE, type Manifest } from '../../protocol/release.ts';
import { malformed, parseManifest } from './safe-manifest.ts';
import { linkOf, tarEntries, textOf, writeFileOf } from './unpack-entries.ts';

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

export interface UnpackOptions {
  bundle: string;
  /** A directory that is not there yet. */
  tree: string;
  expected: { commit: string; platform: string };
  /** Called with the manifest before anything of it is written. */
  onManifest: (manifest: Manifest) => Promise<void>;
}

/** Throws `release-malformed`, and the system's errors for what the disk does. */
export async function unpackBundle({ bundle, tree, expected, onManifest }: UnpackOptions): Promise<void> {
  await mkdir(tree, { mode: 0o755 });
  const decompressed = pipeline(createReadStream(bundle), createZstdDecompress(), () => undefined);
  try {
    const entries = tarEntries(decompressed)[Symbol.asyncIterator]();
    const manifest = await readManifest(await entries.next(), tree, expected);
    await onManifest(manifest);
    for (const file of manifest.files) {
      const { value: entry, done } = await entries.next();
      if (done || entry.header.name !== file.path)
        throw malformed(`it has no ${JSON.stringify(file.path)} where it should`);
      await unpackEntry(tree, file, entry);
    }
    if (!(await entries.next()).done) throw malformed('it has more in it than its manifest lists');
  } catch (error) {
    if (error instanceof AppError || isOfDisk(error)) throw error;
    throw malformed(messageOf(error), error);
  } finally {
    decompressed.destroy();
  }
}

async function readManifest(
  { value: entry, done }: IteratorResult<ParsedTarEntry>,
  tree: string,
  expected: UnpackOptions['expected'],
): Promise<Manifest> {
  if (done || entry.header.name !== MANIFEST_FILE || entry.header.type !== 'file') {
    throw malformed(`${MANIFEST_FILE} is not the first of it`);
  }
  const text = await textOf(entry.body, MAX_MANIFEST_BYTES);
  if (text === undefined) throw malformed('its manifest is too long');
  const manifest = parseManifest(text, expected);
  await writeFileOf(tree, MANIFEST_FILE, Readable.from([Buffer.from(text)]), 0o644);
  return manifest;
}

async function unpackEntry(
  tree: string,
  file: Manifest['files'][number],
  { header, body }: ParsedTarEntry,
): Promise<void> {
  const shown = JSON.stringify(file.path);
  if ('link' in file) {
    if (header.type !== 'symlink' || header.linkname !== file.link)
      throw malformed(`${shown} is not the link that is listed`);
    await body.cancel();
    await linkOf(tree, file.path, file.link);
    return;
  }
  if (header.type !== 'file' || header.size !== file.bytes) throw malformed(`${shown} is not the file that is listed`);
  const sha256 = await writeFileOf(tree, file.path, body, Number.parseInt(file.mode, 8));
  if (sha256 !== file.sha256) throw malformed(`${shown} has another digest than is listed`);
}

/** Of what was being written: no fault of the bundle. */
function isOfDisk(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE'].includes(errnoOf(error) ?? '');
}
