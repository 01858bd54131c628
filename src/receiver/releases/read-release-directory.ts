// A release as somebody has copied it here to be published. Read while the caller still has the right to: the bundles are open after that.

import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '../../lib/app-error.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { shellWord } from '../../lib/shell-word.ts';
import type { Release } from '../../protocol/release.ts';
import {
  BUNDLE_SUFFIX,
  DESCRIPTION_SUFFIX,
  isDescriptionName,
  releaseDraftSchema,
  releaseFileStem,
} from '../../protocol/release-files.ts';

// A PEM file of one key is a hundredth of it.
const MOST_KEY_FILE_BYTES = 64 * 1024;

interface OfferedBundle {
  release: Release;
  bundle: FileHandle;
}

export interface OfferedRelease extends AsyncDisposable {
  number: number;
  commit: string;
  /** One or more, of one number and commit. */
  bundles: OfferedBundle[];
}

/** Throws `bad-input`: no release, several, one that is not signed, or a private key beside it. */
export async function readReleaseDirectory(directory: string): Promise<OfferedRelease> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw new AppError('bad-input', `${directory} cannot be looked into: ${messageOf(error)}`, { cause: error });
  });
  await refusePrivateKeys(directory, names);
  const releases: Release[] = [];
  for (const name of names.filter(isDescriptionName).sort()) releases.push(await readDescription(directory, name));
  const [first] = releases;
  if (!first) {
    throw new AppError('bad-input', `there is no release in ${directory}`, {
      hint: 'copy the bundles with their .json here, as cis490 release build and sign made them',
    });
  }
  const { release_number: number, commit } = first;
  if (releases.some((release) => release.release_number !== number || release.commit !== commit)) {
    throw new AppError('bad-input', `there is more than one release in ${directory}`, {
      hint: 'publish them one after the other, each from a directory of its own',
    });
  }
  await using opened = new AsyncDisposableStack();
  const bundles: OfferedBundle[] = [];
  for (const release of releases) {
    const bundle = await openBundle(join(directory, releaseFileStem(release) + BUNDLE_SUFFIX));
    opened.defer(() => bundle.close());
    bundles.push({ release, bundle });
  }
  const kept = opened.move();
  return { number, commit, bundles, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function readDescription(directory: string, name: string): Promise<Release> {
  const path = join(directory, name);
  const draft = await readFile(path, 'utf8').then(
    (text) => releaseDraftSchema.safeParse(parseJson(text)).data,
    (error: unknown) => {
      throw new AppError('bad-input', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
    },
  );
  if (!draft || releaseFileStem(draft) + DESCRIPTION_SUFFIX !== name) {
    throw new AppError('bad-input', `${path} is not the description of that bundle`, {
      hint: 'copy it once more from where it was built; there: cis490 release verify',
    });
  }
  const { release_number } = draft;
  if (release_number !== undefined && draft.signatures.length > 0) return { ...draft, release_number };
  throw new AppError('bad-input', `${path} is not signed`, {
    hint: 'on the machine with the key: cis490 release sign --key FILE --number N DIR',
  });
}

async function openBundle(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw new AppError('bad-input', `the bundle ${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Whoever gets at the receiver must not be able to sign what all hosts then run. */
async function refusePrivateKeys(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || found.size > MOST_KEY_FILE_BYTES) continue;
    const text = await readFile(path, 'latin1').catch(() => '');
    if (!/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(text)) continue;
    throw new AppError('bad-input', `${path} is a private key: the key of releases must never be on the receiver`, {
      hint: `run: shred -u ${shellWord(path)}; then make a new key, have the hosts trust it alone, and sign with that`,
    });
  }
}
