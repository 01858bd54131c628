// The keys that releases are signed and checked with: Ed25519, as openssl makes and reads them.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, errnoOf, isMissing, messageOf } from '../lib/app-error.ts';
import { fsyncDirectory } from '../lib/durable-file.ts';
import { shellWord } from '../lib/shell-word.ts';
import { parseReleaseKey } from '../protocol/release.ts';

/** Makes a private key, which nobody else may read, and never over another file. Resolves to the public key's line. */
export async function makeReleaseKey(path: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fsyncDirectory(dirname(path));
  } catch (error) {
    const isTaken = errnoOf(error) === 'EEXIST';
    throw new AppError('bad-input', `${path} ${isTaken ? 'is there already' : `cannot be made: ${messageOf(error)}`}`, {
      hint: 'name a new file: --out FILE',
      cause: error,
    });
  }
  return publicKeyLine(publicKey);
}

/** As [autoupdate] release_keys holds it. */
function publicKeyLine(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}

/** Throws `bad-input` when it is missing, no Ed25519 key in PEM, or when others may read it. */
export async function readSigningKey(path: string): Promise<KeyObject> {
  const text = await readKeyFile(path);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new AppError('bad-input', `${path} may be read by others (mode ${(mode & 0o777).toString(8)})`, {
      hint: `run: chmod 600 ${shellWord(path)}`,
    });
  }
  const key = parsed(() => createPrivateKey(text));
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new AppError('bad-input', `${path} is no private Ed25519 key in PEM without a passphrase`, {
    hint: 'make one: cis490 release keygen --out FILE',
  });
}

/** `text`: the line itself, or a file that holds it or its PEM. Throws `bad-input`. */
export async function readPublicKey(text: string): Promise<KeyObject> {
  const given = parseReleaseKey(text);
  if (given) return given;
  const content = await readKeyFile(text);
  const key = parseReleaseKey(content.trim()) ?? parsed(() => createPublicKey(content));
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new AppError('bad-input', `${text} is no Ed25519 public key`, {
    hint: 'give the line that cis490 release keygen printed, or a file with it',
  });
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const what = isMissing(error) ? 'no key and no file' : `not to be read: ${messageOf(error)}`;
    throw new AppError('bad-input', `${path} is ${what}`, { cause: error });
  }
}

function parsed(parse: () => KeyObject): KeyObject | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
