// When a certificate is renewed: a time of its own for each, so that a fleet that was set up on one day does not ask in one minute.

import { createHash, type X509Certificate } from 'node:crypto';

const JITTER_SHARE = 0.1;

/** `renewAt`: the part of its lifetime. Milliseconds since 1970; the same for the same certificate. */
export function renewalDueMs(certificate: X509Certificate, hostId: string, renewAt: number): number {
  const fromMs = certificate.validFromDate.getTime();
  const lifetimeMs = certificate.validToDate.getTime() - fromMs;
  const digest = createHash('sha256').update(hostId).update('|').update(certificate.raw).digest();
  const jitter = digest.readUInt32BE(0) / 2 ** 32;
  return fromMs + lifetimeMs * renewAt * (1 - JITTER_SHARE * jitter);
}
