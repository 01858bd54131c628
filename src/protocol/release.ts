// A release for the hosts: how it is described, what its signature covers, and what a bundle's manifest says. Shared by who builds it,
// who hands it out and who installs it.

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { commitSchema } from './commit.ts';

export const RELEASE_HEAD_PATH = '/v1/releases/head';
export const MANIFEST_FILE = 'MANIFEST.json';

export const PLATFORMS = ['linux-x64', 'linux-arm64'] as const;
export type Platform = (typeof PLATFORMS)[number];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const signatureSchema = z.object({
  key_id: z.string().regex(/^[0-9a-f]{16}$/),
  signature: z.base64().meta({ description: 'Ed25519, base64' }),
});

/** What is signed, and its signatures. */
export const releaseSchema = z
  .object({
    release_number: z.int().positive(),
    commit: commitSchema,
    platform: z.enum(PLATFORMS),
    sha256: sha256.meta({ description: 'of the bundle' }),
    bytes: z.int().positive().meta({ description: 'of the bundle' }),
    signatures: z.array(signatureSchema),
  })
  .meta({ id: 'Release' });

export type Release = z.output<typeof releaseSchema>;

/** The answer of `/v1/releases/head`; `url` is relative to the receiver or on it. */
export const releaseHeadSchema = releaseSchema.extend({ url: z.string().min(1) }).meta({ id: 'ReleaseHead' });

const relativePath = z.string().min(1).max(4096);

/** MANIFEST.json, the first entry of a bundle: every other entry, in the bundle's order. */
export const manifestSchema = z.object({
  format: z.literal(1),
  commit: commitSchema,
  platform: z.enum(PLATFORMS),
  /** Of all files together, unpacked. */
  bytes: z.int().nonnegative(),
  files: z.array(
    z.union([
      z.object({ path: relativePath, bytes: z.int().nonnegative(), sha256, mode: z.enum(['644', '755']) }),
      z.object({ path: relativePath, link: z.string().min(1).max(4096) }),
    ]),
  ),
});

export type Manifest = z.output<typeof manifestSchema>;

/** The platform of the machine that this runs on, or undefined where there are no bundles for it. */
export function platformOf(os: string, architecture: string): Platform | undefined {
  return PLATFORMS.find((platform) => platform === `${os}-${architecture}`);
}

/** The bytes that a signature covers. A change of this text makes every published signature worthless. */
export function releaseStatement(release: Omit<Release, 'signatures'>): Buffer {
  const { release_number, commit, platform, sha256: digest, bytes } = release;
  return Buffer.from(
    [
      'cis490 release, version 1',
      `release_number: ${release_number}`,
      `commit: ${commit}`,
      `platform: ${platform}`,
      `sha256: ${digest}`,
      `bytes: ${bytes}`,
      '',
    ].join('\n'),
  );
}

/** `text`: the base64 of an Ed25519 public key as SPKI in DER, the one line of its PEM. Undefined when it is not one. */
export function parseReleaseKey(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** 16 hex digits. */
export function releaseKeyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16);
}

/** Whether one of the keys signed exactly this. `key_id` only helps to find it: a wrong one is a wrong signature. */
export function isSignedBy(release: Release, keys: readonly KeyObject[]): boolean {
  const statement = releaseStatement(release);
  return release.signatures.some(({ key_id, signature }) =>
    keys.some((key) => releaseKeyId(key) === key_id && verify(null, statement, key, Buffer.from(signature, 'base64'))),
  );
}
