// Releases' descriptions on the maintainer's machine, each with the bundle beside it that it describes.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, isMissing, messageOf } from '../lib/app-error.ts';
import { digestOfFile } from '../lib/digest-of-file.ts';
import { formatSize } from '../lib/format-size.ts';
import {
  BUNDLE_SUFFIX,
  DESCRIPTION_SUFFIX,
  isDescriptionName,
  type ReleaseDraft,
  releaseDraftSchema,
  releaseFileStem,
} from '../protocol/release-files.ts';

export interface DescribedBundle {
  descriptionPath: string;
  bundlePath: string;
  draft: ReleaseDraft;
}

/** `paths`: descriptions, or directories of them. Each bundle was read and is what its description says. Throws `bad-input`. */
export async function findDescribed(paths: readonly string[]): Promise<DescribedBundle[]> {
  const found: DescribedBundle[] = [];
  for (const path of paths) {
    for (const descriptionPath of await descriptionsAt(path)) {
      const draft = await readDraft(descriptionPath);
      const bundlePath = join(dirname(descriptionPath), releaseFileStem(draft) + BUNDLE_SUFFIX);
      if (basename(descriptionPath) !== releaseFileStem(draft) + DESCRIPTION_SUFFIX)
        throw new AppError('bad-input', `${descriptionPath} describes another bundle: ${basename(bundlePath)}`);
      await requireSame(bundlePath, draft);
      found.push({ descriptionPath, bundlePath, draft });
    }
  }
  return found;
}

/** Throws `bad-input`. */
export async function readDraft(path: string): Promise<ReleaseDraft> {
  try {
    return releaseDraftSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why = isMissing(error) ? 'is not there' : 'is no description of a release';
    throw new AppError('bad-input', `${path} ${why}`, {
      hint: 'cis490 release build writes it, beside the bundle',
      cause: error,
    });
  }
}

async function descriptionsAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new AppError('bad-input', `${path} cannot be looked into: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter(isDescriptionName).sort();
  if (names.length > 0) return names.map((name) => join(path, name));
  throw new AppError('bad-input', `there is no release in ${path}`, {
    hint: 'make one: cis490 release build --out DIR',
  });
}

async function requireSame(bundlePath: string, { sha256, bytes }: ReleaseDraft): Promise<void> {
  const found = await digestOfFile(bundlePath).catch((error: unknown) => {
    throw new AppError('bad-input', `the bundle ${bundlePath} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (found.sha256 === sha256 && found.sizeBytes === bytes) return;
  throw new AppError(
    'bad-input',
    `${bundlePath} is not what its description says: ${formatSize(found.sizeBytes)} with SHA-256 ${found.sha256}`,
    { hint: 'build it again: cis490 release build --out DIR' },
  );
}
