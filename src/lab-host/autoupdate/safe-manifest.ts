// A manifest that can be unpacked without a look at the disk: no path and no link of it leads out of the tree, and none goes through a link.

import { posix } from 'node:path';
import { AppError } from '../../lib/app-error.ts';
import { MANIFEST_FILE, type Manifest, manifestSchema } from '../../protocol/release.ts';

const OURS = new Set([MANIFEST_FILE, 'VERSION']);

export function malformed(what: string, cause?: unknown): AppError {
  return new AppError('release-malformed', `the release is not as it should be: ${what}`, {
    hint: 'have it built and published again: cis490 release build',
    cause,
  });
}

/** Throws `release-malformed`. */
export function parseManifest(text: string, expected: { commit: string; platform: string }): Manifest {
  const manifest = parse(text);
  if (manifest.commit !== expected.commit || manifest.platform !== expected.platform) {
    throw malformed(`its manifest is of ${manifest.commit} for ${manifest.platform}`);
  }
  const fault = faultIn(manifest);
  if (fault !== undefined) throw malformed(fault);
  return manifest;
}

function parse(text: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw malformed('its manifest cannot be read', error);
  }
}

function faultIn({ files, bytes }: Manifest): string | undefined {
  const paths = new Set<string>();
  const links = new Set(files.flatMap((file) => ('link' in file ? [file.path] : [])));
  let sumBytes = 0;
  for (const file of files) {
    const { path } = file;
    const shown = JSON.stringify(path.slice(0, 200));
    if (!isInside(path) || OURS.has(path)) return `${shown} is no path of a release`;
    if (paths.has(path)) return `${shown} is there twice`;
    paths.add(path);
    if (parentsOf(path).some((parent) => links.has(parent))) return `${shown} lies behind a link`;
    if ('link' in file && !leadsInside(path, file.link)) return `${shown} is a link that leads elsewhere`;
    if ('bytes' in file) sumBytes += file.bytes;
  }
  const below = files.find(({ path }) => parentsOf(path).some((parent) => paths.has(parent)));
  if (below) return `${JSON.stringify(below.path.slice(0, 200))} lies in what is no directory`;
  return sumBytes === bytes ? undefined : `its files are ${sumBytes} bytes and not ${bytes}`;
}

function isInside(path: string): boolean {
  if (path.includes('\0') || path.includes('\\') || posix.isAbsolute(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function leadsInside(path: string, link: string): boolean {
  if (link.includes('\0') || posix.isAbsolute(link)) return false;
  const target = posix.normalize(posix.join(posix.dirname(path), link));
  return target !== '..' && !target.startsWith('../');
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
