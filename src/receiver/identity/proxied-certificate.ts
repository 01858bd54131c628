// The client's certificate as a trusted proxy passes it on: whole (RFC 9440), or as the headers that the configuration names.

import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseItem } from 'structured-headers';
import { isHostId } from '../../protocol/ids.ts';
import { type Refused, refused } from './authentication.ts';
import { type Judgement, judgeNames } from './judge-certificate.ts';
import { singleHeader } from './single-header.ts';
import type { ReadSubject } from './subject-name.ts';

export interface ProxyHeaders {
  certificate: string;
  subject?: string | undefined;
  san?: string | undefined;
  fingerprint?: string | undefined;
}

export type ProxiedCertificate =
  | { kind: 'none' }
  | { kind: 'whole'; certificate: X509Certificate }
  /** The proxy has verified it; what is known of it is its name and its fingerprint. */
  | { kind: 'described'; judgement: Judgement; fingerprint: string }
  | Refused;

/** RFC 9440, 2.2: one byte sequence, the DER. */
export function readWholeCertificate(request: IncomingMessage, name: string): ProxiedCertificate {
  const header = singleHeader(request, name);
  if (header.kind === 'several') return twice(name);
  // A proxy that knows of no certificate may still write the colons around it.
  if (header.kind === 'none' || header.value === '::') return { kind: 'none' };
  const malformed = refused('bad-request', `${name} must be one certificate in DER as a byte sequence (RFC 9440)`);
  try {
    const [value] = parseItem(header.value);
    if (!(value instanceof ArrayBuffer)) return malformed;
    const der = Buffer.from(value);
    const certificate = new X509Certificate(der);
    // PEM is read as well there, and bytes behind the certificate are left aside: neither is one certificate in DER.
    return certificate.raw.equals(der) ? { kind: 'whole', certificate } : malformed;
  } catch {
    return malformed;
  }
}

export function readDescribedCertificate(
  request: IncomingMessage,
  names: { subject: string; san?: string | undefined; fingerprint: string },
  readSubject: ReadSubject,
): ProxiedCertificate {
  const subject = singleHeader(request, names.subject);
  const fingerprint = singleHeader(request, names.fingerprint);
  const san = names.san === undefined ? ({ kind: 'none' } as const) : singleHeader(request, names.san);
  if (subject.kind === 'several') return twice(names.subject);
  if (fingerprint.kind === 'several') return twice(names.fingerprint);
  if (san.kind === 'several') return twice(names.san ?? '');
  // A certificate may have no subject, but always has a fingerprint.
  if (subject.kind === 'none' && fingerprint.kind === 'none') return { kind: 'none' };
  const digits = fingerprint.kind === 'one' ? fingerprint.value.replaceAll(':', '').toLowerCase() : '';
  if (!/^[0-9a-f]{64}$/.test(digits)) {
    return refused('bad-request', `${names.fingerprint} must be the SHA-256 of the certificate in 64 hex digits`);
  }
  const commonNames = subject.kind === 'one' ? readSubject(subject.value) : [];
  if (!commonNames) return refused('bad-request', `${names.subject} must be a subject as RFC 4514 writes it`);
  const judgement =
    commonNames.length === 0 && san.kind === 'one' ? nameInSan(san.value, names.san ?? '') : judgeNames(commonNames);
  return { kind: 'described', judgement, fingerprint: digits };
}

/** Several entries are refused: whichever were taken, the authority may have meant another one. */
function nameInSan(text: string, header: string): Judgement {
  const [name = '', ...more] = text.split(',').map((entry) => entry.trim().replace(/^DNS:/i, ''));
  if (more.length === 0 && isHostId(name)) return { kind: 'good', hostId: name };
  return { kind: 'bad', reason: `its subject has no CN, and ${header} is not exactly one host id` };
}

function twice(name: string): Refused {
  return refused('bad-request', `${name} stands twice in the request`);
}
