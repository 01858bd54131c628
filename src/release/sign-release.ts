// Signatures in a release's description. One number for good: what is signed already is never signed under another.

import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { AppError } from '../lib/app-error.ts';
import { toJsonFile, writeFileDurably } from '../lib/durable-file.ts';
import { isSignedBy, type Release, releaseKeyId, releaseStatement } from '../protocol/release.ts';
import { type DescribedBundle, findDescribed } from './description-files.ts';

export interface SignRequest {
  key: KeyObject;
  /** Undefined where an earlier signature has given it. */
  number: number | undefined;
  /** Descriptions, or directories of them. */
  paths: readonly string[];
}

/** All of them, or none when one cannot be. Signing again with the same key changes nothing. Throws `bad-input`. */
export async function signReleases({ key, number, paths }: SignRequest): Promise<Release[]> {
  const described = await findDescribed(paths);
  const signed = described.map(({ draft, descriptionPath }) => ({
    path: descriptionPath,
    release: withSignature({ ...draft, release_number: numberOf({ draft, descriptionPath }, number) }, key),
  }));
  for (const { path, release } of signed) await writeFileDurably(path, toJsonFile(release));
  return signed.map(({ release }) => release);
}

/** Throws `not-verified` for the first that is not signed by the key. */
export async function verifyReleases(key: KeyObject, paths: readonly string[]): Promise<Release[]> {
  return (await findDescribed(paths)).map(({ draft, descriptionPath }) => {
    const { release_number } = draft;
    const release = release_number === undefined ? undefined : { ...draft, release_number };
    if (release && isSignedBy(release, [key])) return release;
    const signers = draft.signatures.map(({ key_id }) => key_id).join(', ');
    throw new AppError('not-verified', `${descriptionPath} has no valid signature by key ${releaseKeyId(key)}`, {
      hint: signers === '' ? 'it has none at all: cis490 release sign' : `it names signatures by ${signers}`,
    });
  });
}

function numberOf(
  { draft, descriptionPath }: Pick<DescribedBundle, 'draft' | 'descriptionPath'>,
  given: number | undefined,
): number {
  const known = draft.release_number;
  if (known !== undefined && given !== undefined && known !== given) {
    throw new AppError('bad-input', `${descriptionPath} is signed as release ${known}, not ${given}`, {
      hint: 'under another number it is another release: build it into another directory and sign it there',
    });
  }
  const number = known ?? given;
  if (number !== undefined) return number;
  throw new AppError('bad-input', `${descriptionPath} has no number yet`, {
    hint: 'give it one above that of every earlier release: --number N; cis490 release list on the receiver has them',
  });
}

function withSignature({ release_number, ...rest }: Release, key: KeyObject): Release {
  // The number first, as people look for it there.
  const release: Release = { release_number, ...rest };
  const key_id = releaseKeyId(createPublicKey(key));
  const signature = sign(null, releaseStatement(release), key).toString('base64');
  const others = release.signatures.filter((other) => other.key_id !== key_id);
  return { ...release, signatures: [...others, { key_id, signature }] };
}
