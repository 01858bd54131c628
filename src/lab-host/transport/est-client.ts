// Enrolment over Secure Transport (RFC 7030): each request over a connection of its own, which knows exactly the authorities and the
// certificate that it is given.

import { X509Certificate } from 'node:crypto';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import 'reflect-metadata';
import { X509Certificates } from '@peculiar/x509';
import { AppError, messageOf } from '../../lib/app-error.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import { ENROLMENT_USER, EST, OLD_CERTIFICATE_HEADER, OLD_KEY_SIGNATURE_HEADER } from '../../protocol/est.ts';
import { describeRefused, refusedBy } from './classify-answer.ts';
import { type ExchangeLimits, exchange, textBody } from './exchange.ts';

export type EstTrust =
  /** In PEM; undefined: the system's. */
  | { ca: string | undefined }
  /** Whoever answers is heard: what it says must be proved in another way, and no secret goes there. */
  | 'nobody yet';

export interface EstOptions extends ExchangeLimits {
  url: string;
  trust: EstTrust;
  stop?: AbortSignal | undefined;
}

export type EstAnswer =
  | {
      kind: 'told';
      certificates: X509Certificate[];
      /** Milliseconds since 1970 by the clock of whoever answered; undefined when it does not tell. */
      receiverNowMs: number | undefined;
    }
  | { kind: 'refused'; status: number; code: string; detail: string; retryAfterS: number | undefined };

export interface OldPair {
  /** In PEM, with its chain. */
  cert: string;
  key: string;
}

/** RFC 7030, 4.1. Every method rejects as `exchange` does, or with `est-malformed`. */
export async function askAuthorities(options: EstOptions): Promise<EstAnswer> {
  return await ask(options, 'GET', EST.cacerts, {}, '');
}

/** `csr`: in DER. */
export async function enrolWithToken(options: EstOptions, csr: Buffer, token: Secret): Promise<EstAnswer> {
  if (options.trust === 'nobody yet')
    throw new AppError('internal-error', 'a token goes to nobody who is not verified');
  const basic = Buffer.from(`${ENROLMENT_USER}:${token.reveal()}`).toString('base64');
  return await ask(options, 'POST', EST.simpleenroll, { Authorization: `Basic ${basic}` }, csrBody(csr));
}

export async function renew(options: EstOptions, csr: Buffer, pair: OldPair): Promise<EstAnswer> {
  return await ask(options, 'POST', EST.simplereenroll, {}, csrBody(csr), pair);
}

/** `signature`: of the old key, over the digest of the CSR. */
export async function renewAfterExpiry(
  options: EstOptions,
  csr: Buffer,
  old: { certificate: X509Certificate; signature: Buffer },
): Promise<EstAnswer> {
  const headers = {
    [OLD_CERTIFICATE_HEADER]: old.certificate.raw.toString('base64'),
    [OLD_KEY_SIGNATURE_HEADER]: old.signature.toString('base64'),
  };
  return await ask(options, 'POST', EST.simplereenroll, headers, csrBody(csr));
}

async function ask(
  options: EstOptions,
  method: 'GET' | 'POST',
  path: string,
  headers: OutgoingHttpHeaders,
  body: string,
  pair?: OldPair,
): Promise<EstAnswer> {
  const { url, trust, stop } = options;
  const target = new URL(path, url);
  const isTls = target.protocol === 'https:';
  const request = (isTls ? httpsRequest : httpRequest)(target, {
    method,
    agent: false,
    headers: { ...headers, ...(body !== '' && CSR_HEADERS), ...(body !== '' && { 'Content-Length': body.length }) },
    ...(isTls && (trust === 'nobody yet' ? { rejectUnauthorized: false } : { ca: trust.ca })),
    ...(isTls && pair),
    ...(stop && { signal: stop }),
  });
  let receiverNowMs = Number.NaN;
  request.once('response', ({ headers: { date = '' } }) => {
    receiverNowMs = Date.parse(date);
  });
  const answer = await exchange(request, options, textBody(body));
  if (answer.status === 200) {
    const certificates = readCertificates(answer.body);
    return { kind: 'told', certificates, receiverNowMs: Number.isNaN(receiverNowMs) ? undefined : receiverNowMs };
  }
  const refused = refusedBy(answer);
  const { status, code } = refused;
  return { kind: 'refused', status, code, detail: describeRefused(refused), retryAfterS: answer.retryAfterS };
}

const CSR_HEADERS = { 'Content-Type': 'application/pkcs10', 'Content-Transfer-Encoding': 'base64' };

/** RFC 8951, 3: base64, whatever the header says. */
function csrBody(csr: Buffer): string {
  return `${csr.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`;
}

/** PKCS #7 certs-only in base64 (RFC 7030, 4.1.3 and 4.2.3). */
function readCertificates(body: string): X509Certificate[] {
  try {
    const der = Buffer.from(body.replace(/\s/g, ''), 'base64');
    const certificates = [...new X509Certificates(der)].map(({ rawData }) => new X509Certificate(Buffer.from(rawData)));
    if (certificates.length > 0) return certificates;
  } catch (error) {
    throw malformed(messageOf(error), error);
  }
  throw malformed('it holds no certificate');
}

function malformed(why: string, cause?: unknown): AppError {
  return new AppError('est-malformed', `the answer is not certificates in PKCS #7: ${why}`, {
    hint: 'something other than the receiver answers: check [cert] est_url or [receiver] url, and what stands between (proxy, login page)',
    cause,
  });
}
