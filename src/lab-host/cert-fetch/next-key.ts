// The key that waits for its certificate: on the disk before anybody is asked, and kept until it has one, so that a lost answer costs nothing.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../lib/app-error.ts';
import { fsyncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { readIfThere } from '../../lib/read-if-there.ts';
import { removeFile } from '../../lib/remove-file.ts';
import type { IdentityLayout } from '../identity-layout.ts';

export interface NextKey {
  key: KeyObject;
  publicKey: KeyObject;
  pem: string;
  /** Made now: nobody has been asked for its certificate yet. */
  isNew: boolean;
}

/** The one that waits, or a new one, durable when this resolves. */
export async function takeNextKey(layout: IdentityLayout, logger: Logger): Promise<NextKey> {
  const pem = await readIfThere(layout.nextKey);
  const key = pem === undefined ? undefined : parseKey(pem);
  if (pem !== undefined && key) return { key, publicKey: createPublicKey(key), pem, isNew: false };
  if (pem !== undefined) logger.warn({ path: layout.nextKey }, 'this is no key; another one is made');
  return await makeKey(layout);
}

/** The key that waits has its certificate, and lies beside it: what was killed right after the switch ends here. */
export async function isCertified({ nextKey }: IdentityLayout, inForce: KeyObject): Promise<boolean> {
  const pem = await readIfThere(nextKey);
  return pem !== undefined && (parseKey(pem)?.equals(inForce) ?? false);
}

export async function dropNextKey({ nextKey }: IdentityLayout): Promise<void> {
  await removeFile(nextKey);
}

async function makeKey({ root, nextKey }: IdentityLayout): Promise<NextKey> {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(dirname(nextKey), { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  await fsyncDirectory(root);
  // Under one name: what a kill leaves of a key goes with the next one.
  await writeFileDurably(nextKey, pem, { mode: 0o600, temporaryPath: `${nextKey}.tmp` });
  return { key, publicKey, pem, isNew: true };
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}
