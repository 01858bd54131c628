// Whether a certificate that was issued is among the revoked: by its serial or its fingerprint, however whoever revoked it wrote them.

import type { RevokedCertificate } from '../../storage/control.ts';
import type { IssuedCertificate } from '../../storage/enrolments.ts';

export function findRevocation(
  { serial, fingerprint }: Pick<IssuedCertificate, 'serial' | 'fingerprint'>,
  revoked: readonly RevokedCertificate[],
): RevokedCertificate | undefined {
  return revoked.find(
    (entry) =>
      digitsOf(entry.serial) === digitsOf(serial) ||
      (entry.fingerprint !== undefined && digitsOf(entry.fingerprint) === digitsOf(fingerprint)),
  );
}

/** A serial is a number: leading zeros are a matter of the writer. */
function digitsOf(hex: string): string {
  return hex
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
}
