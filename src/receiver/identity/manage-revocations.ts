// cis490 ca revoke and list-revoked: certificates that count no more, from the next request on.

import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { formatTable } from '../../lib/format-table.ts';
import type { Control } from '../../storage/control.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import { identifiersOf } from './certificate-authenticator.ts';
import { readCertificates } from './certificate-authorities.ts';
import type { CommandOutput } from './manage-tokens.ts';

export interface CertificateToRevoke {
  cert?: string | undefined;
  serial?: string | undefined;
  fingerprint?: string | undefined;
}

export interface RevocableCertificate {
  serial: string;
  fingerprint?: string;
}

interface RevocationContext {
  config: Pick<ReceiverConfig, 'listen'>;
  control: Control;
  clock: Clock;
  output: CommandOutput;
}

/** Throws `bad-input`, and what Control throws. */
export async function revokeCertificate(
  certificate: RevocableCertificate,
  why: string,
  { config, control, clock, output }: RevocationContext,
): Promise<void> {
  if (why.trim() === '') throw new AppError('bad-input', '--why is empty: say why it is revoked');
  const { serial, fingerprint } = certificate;
  const bySerial = await control.isCertificateRevoked({ serial });
  const byFingerprint = fingerprint === undefined || (await control.isCertificateRevoked({ fingerprint }));
  if (bySerial && byFingerprint) {
    output.tell('it was revoked already; its time and reason stand: cis490 ca list-revoked');
    return;
  }
  // Of a serial the first entry stands: the fingerprint that it lacks is entered by itself.
  const entry = bySerial && fingerprint !== undefined ? { serial: fingerprint, fingerprint } : certificate;
  await control.putRevokedCertificate({ ...entry, revokedAt: clock.wallTime(), reason: why });
  output.tell('revoked, from the next request on');
  if (fingerprint === undefined && config.listen.proxy_headers.subject !== undefined) {
    output.tell(
      'But not behind proxies that pass on the subject: they tell no serial. Use --cert or --fingerprint, too.',
    );
  }
}

export async function listRevokedCertificates(
  { json }: { json: boolean },
  { control, output }: { control: Control; output: CommandOutput },
): Promise<void> {
  const certificates = (await control.listRevokedCertificates()).map(({ serial, fingerprint, revokedAt, reason }) => ({
    serial: serial === fingerprint ? null : serial,
    fingerprint: fingerprint ?? null,
    revoked_at: revokedAt,
    reason,
  }));
  if (json) {
    output.write(`${JSON.stringify({ certificates }, null, 2)}\n`);
    return;
  }
  const rows = certificates.map(({ serial, fingerprint, revoked_at, reason }) => [
    serial ?? '-',
    fingerprint ?? '-',
    revoked_at,
    reason,
  ]);
  output.write(formatTable(['SERIAL', 'FINGERPRINT', 'REVOKED', 'REASON'], rows));
}

/**
 * Where only the fingerprint is known it stands for the serial, too: no serial has 64 digits (RFC 5280, 4.1.2.2: 40 at most).
 * Throws `bad-input`, `bad-certificate`.
 */
export function identifyCertificate({ cert, serial, fingerprint }: CertificateToRevoke): RevocableCertificate {
  const given = [cert, serial, fingerprint].filter((value) => value !== undefined);
  if (given.length !== 1)
    throw new AppError('bad-input', 'say which one: --cert FILE, --serial HEX or --fingerprint HEX');
  if (cert !== undefined) {
    const [certificate] = readCertificates(cert, '--cert');
    if (certificate) return identifiersOf(certificate);
  }
  const digits = (serial ?? fingerprint ?? '').replaceAll(':', '').replace(/^0x/i, '').toLowerCase();
  if (serial !== undefined) {
    if (/^[0-9a-f]{1,40}$/.test(digits)) return { serial: digits };
    throw new AppError('bad-input', `--serial: found "${serial}"; allowed: up to 40 hex digits`, {
      hint: 'read it from the certificate: openssl x509 -in FILE -noout -serial',
    });
  }
  if (/^[0-9a-f]{64}$/.test(digits)) return { serial: digits, fingerprint: digits };
  throw new AppError('bad-input', `--fingerprint: found "${fingerprint}"; allowed: a SHA-256 in 64 hex digits`, {
    hint: 'read it from the certificate: openssl x509 -in FILE -noout -fingerprint -sha256',
  });
}
