// Certificates as EST answers them: PKCS #7 that holds nothing else, in base64 (RFC 7030, 4.1.3 and 4.2.3).

import type { X509Certificate } from 'node:crypto';
import { loadX509Library } from './x509-library.ts';

export const CERTS_ONLY_HEADERS = {
  'Content-Type': 'application/pkcs7-mime; smime-type=certs-only',
  'Content-Transfer-Encoding': 'base64',
};

/** In lines of 76. Of line feeds alone: base64(1) knows no other. */
export async function certsOnly(certificates: readonly X509Certificate[]): Promise<string> {
  const x509 = await loadX509Library();
  const made = new x509.X509Certificates(certificates.map(({ raw }) => new x509.X509Certificate(raw)));
  const base64 = Buffer.from(made.export('raw')).toString('base64');
  return `${base64.replace(/.{76}(?=.)/g, '$&\n')}\n`;
}
