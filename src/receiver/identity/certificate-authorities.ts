// Certificates in PEM files: the authorities whose word on lab hosts counts, several while one takes over from another.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AppError, messageOf } from '../../lib/app-error.ts';

const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** All certificates of a PEM file, in their order; `key` is where the configuration names it. Throws `bad-certificate`. */
export function readCertificates(path: string, key: string): X509Certificate[] {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    throw badCertificate(`${key}: ${path} cannot be read: ${messageOf(error)}`, `look at it: ls -l ${path}`, error);
  }
  const hint = `look at it: openssl x509 -in ${path} -noout -subject -issuer -dates`;
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw badCertificate(`${key}: ${path} holds no certificate in PEM`, hint);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw badCertificate(`${key}: certificate ${index + 1} of ${path} is damaged: ${messageOf(error)}`, hint, error);
    }
  });
}

export function badCertificate(message: string, hint: string, cause?: unknown): AppError {
  return new AppError('bad-certificate', message, { hint, ...(cause !== undefined && { cause }) });
}

export type Validity = 'valid' | 'expired' | 'not-yet-valid';

/** At `nowMs`, milliseconds since 1970. */
export function validityOf(certificate: X509Certificate, nowMs: number): Validity {
  if (nowMs < certificate.validFromDate.getTime()) return 'not-yet-valid';
  return nowMs > certificate.validToDate.getTime() ? 'expired' : 'valid';
}
