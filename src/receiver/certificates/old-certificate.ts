// Who renews with a certificate that TLS takes no more: it was signed by an authority of ours, whatever its dates, and its key has signed
// this very request.

import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { OLD_CERTIFICATE_HEADER, OLD_KEY_SIGNATURE_HEADER } from '../../protocol/est.ts';
import { type Refused, refused } from '../identity/authentication.ts';
import { examineCertificate } from '../identity/judge-certificate.ts';
import { singleHeader } from '../identity/single-header.ts';

export interface OldCertificate {
  certificate: X509Certificate;
  signature: Buffer;
}

/** Undefined when neither header is there. */
export function readOldCertificate(request: IncomingMessage): OldCertificate | Refused | undefined {
  const [certificate, signature] = [OLD_CERTIFICATE_HEADER, OLD_KEY_SIGNATURE_HEADER].map((name) =>
    singleHeader(request, name),
  );
  if (certificate?.kind === 'none' && signature?.kind === 'none') return undefined;
  if (certificate?.kind !== 'one' || signature?.kind !== 'one') {
    return malformed('each is there once, or neither');
  }
  const [der, bytes] = [bytesOf(certificate.value), bytesOf(signature.value)];
  if (!der || !bytes) return malformed('both are base64 in one line');
  try {
    const parsed = new X509Certificate(der);
    // PEM is read as well there.
    return parsed.raw.equals(der) ? { certificate: parsed, signature: bytes } : malformed('the first is DER');
  } catch {
    return malformed('the first is a certificate in DER');
  }
}

/** Not its revocation. `csrDer`: what is to be renewed with it. */
export function judgeOldCertificate(
  { certificate, signature }: OldCertificate,
  csrDer: Buffer,
  authorities: readonly X509Certificate[],
): { kind: 'good'; hostId: string } | Refused {
  const { issuers, itself } = examineCertificate(certificate, authorities);
  if (issuers.length === 0) return invalid('no authority of this receiver that is still in force has signed it');
  if (itself.kind === 'bad') return invalid(itself.reason);
  const digest = createHash('sha256').update(csrDer).digest();
  if (!isSignedBy(certificate.publicKey, digest, signature)) {
    return invalid(
      `${OLD_KEY_SIGNATURE_HEADER} is not its key's signature over the SHA-256 of the certificate request`,
    );
  }
  return itself;
}

function isSignedBy(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  try {
    // Ed25519 brings its own digest.
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', digest, key, signature);
  } catch {
    return false;
  }
}

function bytesOf(base64: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined;
}

function malformed(how: string): Refused {
  return refused('bad-request', `${OLD_CERTIFICATE_HEADER} and ${OLD_KEY_SIGNATURE_HEADER}: ${how}`);
}

export function invalid(reason: string): Refused {
  return refused('credential-invalid', `the old certificate does not count: ${reason}`);
}
