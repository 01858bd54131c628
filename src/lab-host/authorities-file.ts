// ca.crt: the authorities that this host trusts. It grows only by what was told over a connection that it verifies itself.

import { X509Certificate } from 'node:crypto';
import { AppError, messageOf } from '../lib/app-error.ts';
import { writeFileDurably } from '../lib/durable-file.ts';
import { readIfThere } from '../lib/read-if-there.ts';
import { certificateFingerprint } from '../protocol/est.ts';

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Empty when there is no such file. Throws `bad-authorities`. */
export async function readAuthorities(path: string): Promise<X509Certificate[]> {
  const text = await readIfThere(path);
  if (text === undefined) return [];
  try {
    const authorities = (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem));
    if (authorities.length > 0) return authorities;
  } catch (error) {
    throw bad(path, messageOf(error), error);
  }
  throw bad(path, 'it holds no certificate in PEM');
}

/** Each with what a person compares it by. */
export async function writeAuthorities(path: string, authorities: readonly X509Certificate[]): Promise<void> {
  const entries = authorities.map((one) => {
    const until = one.validToDate.toISOString();
    return `# ${one.subject.replaceAll('\n', ', ')}, until ${until}, SHA-256 ${certificateFingerprint(one)}\n${one.toString()}`;
  });
  await writeFileDurably(path, entries.join(''));
}

export function isAuthority(certificate: X509Certificate): boolean {
  return certificate.ca && certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function bad(path: string, why: string, cause?: unknown): AppError {
  return new AppError('bad-authorities', `${path} cannot be used: ${why}`, {
    hint: `put the receiver's authorities there: on the receiver, cat /var/lib/cis490/ca/trusted.crt`,
    cause,
  });
}
