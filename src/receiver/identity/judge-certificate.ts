// Whether a lab host's certificate counts now, and for which host: the same judgement for one that came through the receiver's own
// TLS and for one that a proxy passed on. What cannot change is examined once; what time changes is judged at each request.

import type { X509Certificate } from 'node:crypto';
import { isHostId } from '../../protocol/ids.ts';
import { validityOf } from './certificate-authorities.ts';

export type Judgement = { kind: 'good'; hostId: string } | { kind: 'bad'; reason: string };

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** What stays so however long a connection lasts. */
export interface Examined {
  certificate: X509Certificate;
  /** The authorities that have issued it, by signature. Where an intermediate one signed it, that one must be among the authorities. */
  issuers: readonly X509Certificate[];
  /** By its purpose and its name. */
  itself: Judgement;
}

export function examineCertificate(certificate: X509Certificate, authorities: readonly X509Certificate[]): Examined {
  const issuers = authorities.filter((authority) => hasIssued(authority, certificate));
  return { certificate, issuers, itself: judgeItself(certificate) };
}

/** Its time, its issuer and its issuer's time, its purpose and its name; not its revocation. */
export function judgeCertificate({ certificate, issuers, itself }: Examined, nowMs: number): Judgement {
  const validity = validityOf(certificate, nowMs);
  if (validity === 'expired') return bad(`it expired at ${certificate.validToDate.toISOString()}`);
  if (validity === 'not-yet-valid') {
    const [from, now] = [certificate.validFromDate, new Date(nowMs)].map((date) => date.toISOString());
    return bad(`it is not valid before ${from}, and it is ${now} here`);
  }
  if (issuers.length === 0)
    return bad('no authority that this receiver knows has issued it ([listen.tls] client_ca_file)');
  if (!issuers.some((issuer) => validityOf(issuer, nowMs) === 'valid')) {
    return bad('the authority that has issued it is itself expired or not yet valid ([listen.tls] client_ca_file)');
  }
  return itself;
}

/** A lab's authority issues the receiver's own certificate, too: that one identifies no host. Node calls extended usages `keyUsage`. */
function judgeItself(certificate: X509Certificate): Judgement {
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (certificate.ca || (usages && !usages.includes(CLIENT_AUTH) && !usages.includes(ANY_USAGE))) {
    return bad('it is not for clients (extended key usage clientAuth)');
  }
  return judgeNames(commonNamesOf(certificate));
}

/** The host that these common names stand for: exactly one, and a host id. */
export function judgeNames(commonNames: readonly string[]): Judgement {
  const [name, ...more] = commonNames;
  if (name === undefined) return bad('its subject has no CN; the CN must be the host id');
  if (more.length > 0) return bad('its subject has more than one CN; there must be one, the host id');
  return isHostId(name) ? { kind: 'good', hostId: name } : bad('the CN of its subject is not a host id');
}

function hasIssued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** Not from `certificate.subject`: that is text, in which a name could pose as two. */
function commonNamesOf(certificate: X509Certificate): string[] {
  const { subject } = certificate.toLegacyObject();
  return [(subject as { CN?: string | string[] } | undefined)?.CN ?? []].flat();
}

function bad(reason: string): Judgement {
  return { kind: 'bad', reason };
}
