// Whether what the receiver answered is a certificate that this host can use: only then is it put in force.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import { X509Certificate as X509, X509ChainBuilder } from '@peculiar/x509';
import { AppError } from '../../lib/app-error.ts';
import { certificateFingerprint } from '../../protocol/est.ts';

// What clocks and the seconds of a Date header may differ by.
const CLOCKS_DIFFER_MS = 60_000;

export interface WantedCertificate {
  key: KeyObject;
  hostId: string;
  authorities: readonly X509Certificate[];
  /** By the receiver's clock: this machine's may be wrong. */
  nowMs: number;
}

/** The host's own first, then what leads from it to the authority, without that. Throws `certificate-unusable`. */
export async function checkAnswered(
  answered: readonly X509Certificate[],
  { key, hostId, authorities, nowMs }: WantedCertificate,
): Promise<[X509Certificate, ...X509Certificate[]]> {
  const leaf = answered.find((one) => one.checkPrivateKey(key));
  if (!leaf) throw unusable('none of its certificates is for the key of this host');
  const name = new X509(leaf.raw).subjectName.getField('CN').join(', ');
  if (name !== hostId) throw unusable(`it is for "${name}", and this host is "${hostId}"`, anotherToken(hostId));
  const [from, to] = [leaf.validFromDate, leaf.validToDate];
  if (nowMs < from.getTime() - CLOCKS_DIFFER_MS || nowMs >= to.getTime()) {
    const now = new Date(nowMs).toISOString();
    throw unusable(
      `it is valid from ${from.toISOString()} to ${to.toISOString()}, and the receiver's clock says ${now}`,
    );
  }
  const chain = await chainOf(leaf, [...answered, ...authorities]);
  const trusted = new Set(authorities.map(certificateFingerprint));
  const end = chain.findIndex((one) => trusted.has(certificateFingerprint(one)));
  if (end < 1) throw unusable('none of the authorities that this host trusts has signed it');
  return [leaf, ...chain.slice(1, end)];
}

/** Each signed by the next. */
async function chainOf(leaf: X509Certificate, others: readonly X509Certificate[]): Promise<X509Certificate[]> {
  const certificates = others.filter((one) => one.ca).map(({ raw }) => new X509(raw));
  const chain = await new X509ChainBuilder({ certificates }).build(new X509(leaf.raw));
  return chain.map(({ rawData }) => new X509Certificate(Buffer.from(rawData)));
}

/** Whether a stored certificate and key are a pair, whatever their dates. */
export function isPair(certificate: X509Certificate, key: KeyObject): boolean {
  return certificate.publicKey.equals(createPublicKey(key));
}

function anotherToken(hostId: string): string {
  return `the name comes from the token: make one for this host, on the receiver: cis490 ca token --host ${hostId}`;
}

function unusable(why: string, hint = 'look at what was issued, on the receiver: cis490 ca list'): AppError {
  const message = `the receiver answered with a certificate that cannot be used: ${why}`;
  return new AppError('certificate-unusable', message, { hint, retryable: true });
}
