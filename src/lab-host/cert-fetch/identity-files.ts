// The pairs of certificate and key on this host's disk: each whole in a directory of its own, and one link that says which is in force.
// `current` never leads to half a pair, and the key of the certificate in force is removed by nothing here.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError, isMissing } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { removeFile } from '../../lib/remove-file.ts';
import { CERT_FILE, type IdentityLayout, KEY_FILE } from '../identity-layout.ts';
import type { CertFetchStep } from './cert-fetch-step.ts';
import { isPair } from './check-certificate.ts';

/** A certificate of this host with its key, as they lie on the disk. */
export interface StoredPair {
  number: number;
  certificate: X509Certificate;
  key: KeyObject;
  /** In PEM. */
  certPem: string;
  keyPem: string;
}

/**
 * What `current` leads to; undefined when this host has none. Where that link is missing or leads to no whole pair, it is made to lead to
 * the newest that is whole: a first enrolment that was killed before the switch, or a damaged file.
 */
export async function settlePair(
  layout: IdentityLayout,
  afterStep: AfterStep<CertFetchStep>,
): Promise<StoredPair | undefined> {
  const inForce = await currentNumber(layout);
  const pair = inForce === undefined ? undefined : await readPairAt(layout, inForce);
  if (pair) return pair;
  for (const number of (await pairNumbers(layout)).reverse()) {
    const whole = await readPairAt(layout, number);
    if (whole) await switchTo(layout, number, afterStep);
    if (whole) return whole;
  }
  return undefined;
}

/** Writes the pair whole, then makes it the one in force by one rename. Throws the system's error; the old one then still is. */
export async function putPair(
  layout: IdentityLayout,
  { keyPem, certPem }: { keyPem: string; certPem: string },
  afterStep: AfterStep<CertFetchStep>,
): Promise<void> {
  const number = Math.max(0, ...(await pairNumbers(layout))) + 1;
  const directory = join(layout.root, `${number}`);
  await mkdir(directory, { mode: 0o700 });
  await writeFileDurably(join(directory, KEY_FILE), keyPem, { mode: 0o600 });
  afterStep('pair-key-written');
  await writeFileDurably(join(directory, CERT_FILE), certPem);
  await fsyncDirectory(layout.root);
  afterStep('pair-written');
  await switchTo(layout, number, afterStep);
}

async function switchTo(layout: IdentityLayout, number: number, afterStep: AfterStep<CertFetchStep>): Promise<void> {
  const newLink = `${layout.current}.new`;
  await removeFile(newLink);
  await symlink(`${number}`, newLink);
  afterStep('link-made');
  await rename(newLink, layout.current);
  afterStep('switched');
  await fsyncDirectory(layout.root);
  afterStep('switch-synced');
}

/** Takes away what a killed run left, and all pairs but the one in force and the one before it, which a program may be reading. */
export async function removeLeftovers(layout: IdentityLayout, inForce: StoredPair | undefined): Promise<void> {
  await removeFile(`${layout.current}.new`);
  const numbers = await pairNumbers(layout);
  const before = numbers.findLast((number) => number < (inForce?.number ?? 0));
  for (const number of numbers)
    if (number !== inForce?.number && number !== before) await rm(join(layout.root, `${number}`), { recursive: true });
}

async function readPairAt(layout: IdentityLayout, number: number): Promise<StoredPair | undefined> {
  const at = (name: string) => readFile(join(layout.root, `${number}`, name), 'utf8');
  try {
    const [certPem, keyPem] = [await at(CERT_FILE), await at(KEY_FILE)];
    const [certificate, key] = [new X509Certificate(certPem), createPrivateKey(keyPem)];
    return isPair(certificate, key) ? { number, certificate, key, certPem, keyPem } : undefined;
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && !isMissing(error)) throw unreadable(layout, error);
    return undefined;
  }
}

async function currentNumber(layout: IdentityLayout): Promise<number | undefined> {
  try {
    const target = await readlink(layout.current);
    return /^\d+$/.test(target) ? Number(target) : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(layout, error);
  }
}

/** Smallest first. */
async function pairNumbers(layout: IdentityLayout): Promise<number[]> {
  const names = await readdir(layout.root);
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((left, right) => left - right);
}

function unreadable({ root }: IdentityLayout, cause: unknown): AppError {
  return new AppError(
    'identity-unreadable',
    `what lies in ${root} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
    {
      hint: `it belongs to the user cis490: sudo chown -R cis490:cis490 ${root}`,
      cause,
    },
  );
}
