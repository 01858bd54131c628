// A request for a certificate (PKCS #10), of which the public key alone is taken: it is one that may be certified, and whoever asks has
// its private half.

import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { MAX_CSR_BYTES } from '../../protocol/est.ts';
import { loadX509Library } from './x509-library.ts';

export interface SigningRequest {
  der: Buffer;
  publicKey: KeyObject;
  /** SHA-256 of the public key (SPKI, DER), in hex. */
  keySha256: string;
}

export type ReadCsr = { kind: 'csr'; csr: SigningRequest } | { kind: 'bad'; detail: string };

/** What base64 with line breaks makes of the largest one. */
export const MAX_BODY_BYTES = MAX_CSR_BYTES * 1.5;

const KEYS = 'EC P-256 or P-384, Ed25519, or RSA of 2048 to 8192 bits';
const CURVES = new Set(['prime256v1', 'secp384r1']);
const LEAST_RSA_BITS = 2048;
// Beyond it, to look at one signature takes long.
const MOST_RSA_BITS = 8192;
const MAKE_ONE = 'openssl req -new -key KEY_FILE -subj /CN=x -outform DER | base64';

/** `body`: base64 of the DER, with line breaks or without (RFC 7030, 4.2.1). */
export async function readCsr(body: Buffer): Promise<ReadCsr> {
  const text = body.toString('latin1').replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return bad(`the body must be a certificate request in base64, without any armour: ${MAKE_ONE}`);
  }
  const der = Buffer.from(text, 'base64');
  if (der.byteLength > MAX_CSR_BYTES) return bad(`the certificate request has more than ${MAX_CSR_BYTES} bytes`);
  const x509 = await loadX509Library();
  try {
    const request = new x509.Pkcs10CertificateRequest(der);
    const spki = Buffer.from(request.publicKey.rawData);
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    if (!mayBeCertified(publicKey)) return bad(`this kind of key is not certified here; good are ${KEYS}`);
    if (!(await request.verify())) return bad('the signature of the certificate request is not that of its key');
    return { kind: 'csr', csr: { der, publicKey, keySha256: createHash('sha256').update(spki).digest('hex') } };
  } catch {
    // The library's words speak of its own parts.
    return bad(`the body is no certificate request (PKCS #10) that can be read: ${MAKE_ONE}`);
  }
}

function mayBeCertified({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ec') return CURVES.has(namedCurve);
  if (asymmetricKeyType === 'rsa') return modulusLength >= LEAST_RSA_BITS && modulusLength <= MOST_RSA_BITS;
  return asymmetricKeyType === 'ed25519';
}

function bad(detail: string): ReadCsr {
  return { kind: 'bad', detail };
}
