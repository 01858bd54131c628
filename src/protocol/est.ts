// Enrolment over Secure Transport (RFC 7030) as both ends use it, and what this system adds to it for a certificate that has expired.

import { createHash, type X509Certificate } from 'node:crypto';

export const EST_PREFIX = '/.well-known/est/';

export const EST = {
  cacerts: '/.well-known/est/cacerts',
  simpleenroll: '/.well-known/est/simpleenroll',
  simplereenroll: '/.well-known/est/simplereenroll',
} as const;

/** Of simplereenroll without a client certificate: base64 of the old certificate's DER, in one line. */
export const OLD_CERTIFICATE_HEADER = 'X-Cis490-Old-Certificate';
/** Base64 of the old key's signature (ECDSA in DER, or RSA PKCS #1; SHA-256) over the 32 bytes of the SHA-256 of the CSR's DER. */
export const OLD_KEY_SIGNATURE_HEADER = 'X-Cis490-Old-Key-Signature';

/** The user name beside an enrolment token in HTTP Basic; the receiver looks at the password alone. */
export const ENROLMENT_USER = 'enrol';

export const MAX_CSR_BYTES = 16 * 1024;

/** SHA-256 of the certificate's DER, 64 hex digits: what a person compares. */
export function certificateFingerprint(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** What `text` means as a fingerprint: hex digits in any case, with or without colons and a `sha256:` before them. */
export function parseFingerprint(text: string): string | undefined {
  const digits = text
    .trim()
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}
