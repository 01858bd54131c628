// A certificate signing request (RFC 2986): it proves that this host has the key. The name in it is only for people to read.

import { createHash, type KeyObject, sign } from 'node:crypto';
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };

/** `key`: EC P-256, in PKCS #8. Resolves to the request in DER. */
export async function makeCsr(key: KeyObject, publicKey: KeyObject, hostId: string): Promise<Buffer> {
  const { subtle } = globalThis.crypto;
  const [privateHalf, publicHalf] = await Promise.all([
    subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), CURVE, false, ['sign']),
    subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), CURVE, true, ['verify']),
  ]);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [hostId] }],
    keys: { privateKey: privateHalf, publicKey: publicHalf },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return Buffer.from(csr.rawData);
}

/** What stands for the old certificate once it has expired: src/protocol/est.ts. */
export function signWithOldKey(csr: Buffer, oldKey: KeyObject): Buffer {
  return sign('sha256', createHash('sha256').update(csr).digest(), oldKey);
}
