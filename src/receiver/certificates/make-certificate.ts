// Makes the three kinds of certificate: of an authority, of the receiver, of a host. What is in them comes from here alone.

import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Extension, JsonName } from '@peculiar/x509';
import { AppError } from '../../lib/app-error.ts';
import { validityOf } from '../identity/certificate-authorities.ts';
import { type Authority, authorityOf, type KeyPair } from './authority-files.ts';
import { loadX509Library, type X509Library } from './x509-library.ts';

// For clocks that are a little slow.
const BACKDATED_MS = 5 * 60_000;
const SERIAL_BYTES = 16;
const MOST_COMMON_NAME = 64;
const DAY_MS = 86_400_000;
const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Lifetime {
  /** Milliseconds since 1970. */
  nowMs: number;
  days: number;
}

/** Each has a name of its own, by which programs tell two authorities apart. */
export async function makeAuthority(lifetime: Lifetime): Promise<Authority> {
  const x509 = await loadX509Library();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = [{ CN: [`CIS490 CA ${randomBytes(4).toString('hex')}`] }];
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await sign(x509, {
    subject: name,
    issuer: name,
    publicKey,
    signingKey: privateKey,
    lifetime,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(spkiOf(publicKey)),
    ],
  });
  return authorityOf(certificate, privateKey);
}

/** For TLS under all of `names`, DNS names and IP addresses; the chain with it. Throws `not-ready` where the signer is out of its dates. */
export async function makeServerCertificate(
  names: readonly string[],
  signer: Authority,
  lifetime: Lifetime,
): Promise<KeyPair> {
  const x509 = await loadX509Library();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const commonName = names.find((name) => name.length <= MOST_COMMON_NAME);
  const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value }));
  const certificate = await signUnder(x509, signer, {
    subject: commonName === undefined ? [] : [{ CN: [commonName] }],
    publicKey,
    lifetime,
    usage: x509.ExtendedKeyUsage.serverAuth,
    // Of a certificate without a subject, they are critical (RFC 5280, 4.2.1.6).
    extensions: [new x509.SubjectAlternativeNameExtension(alternatives, commonName === undefined)],
  });
  return { cert: certificate.toString() + signer.certificate.toString(), key: pemOf(privateKey) };
}

/** For the host's key, to be a client with. Throws `not-ready` where the signer is out of its dates. */
export async function makeHostCertificate(
  hostId: string,
  publicKey: KeyObject,
  signer: Authority,
  lifetime: Lifetime,
): Promise<X509Certificate> {
  const x509 = await loadX509Library();
  return await signUnder(x509, signer, {
    subject: [{ CN: [hostId] }],
    publicKey,
    lifetime,
    usage: x509.ExtendedKeyUsage.clientAuth,
    extensions: [],
  });
}

interface Unsigned {
  subject: JsonName;
  publicKey: KeyObject;
  lifetime: Lifetime;
  extensions: Extension[];
}

async function signUnder(
  x509: X509Library,
  { certificate, key }: Authority,
  unsigned: Unsigned & { usage: string },
): Promise<X509Certificate> {
  const { publicKey, lifetime, usage, extensions } = unsigned;
  if (validityOf(certificate, lifetime.nowMs) !== 'valid') {
    const dates = `${certificate.validFromDate.toISOString()} to ${certificate.validToDate.toISOString()}`;
    throw new AppError('not-ready', `the authority can sign nothing now: it is good from ${dates}`, {
      hint: 'if the clock is right, make another: cis490 ca renew-ca',
    });
  }
  const issuer = new x509.X509Certificate(certificate.raw);
  return await sign(x509, {
    ...unsigned,
    issuer: issuer.subjectName.toJSON(),
    signingKey: key,
    // Whatever outlives its authority counts for nothing.
    notAfterMs: certificate.validToDate.getTime(),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.SubjectKeyIdentifierExtension.create(spkiOf(publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...extensions,
    ],
  });
}

async function sign(
  x509: X509Library,
  options: Unsigned & { issuer: JsonName; signingKey: KeyObject; notAfterMs?: number },
): Promise<X509Certificate> {
  const {
    subject,
    issuer,
    publicKey,
    signingKey,
    lifetime,
    extensions,
    notAfterMs = Number.POSITIVE_INFINITY,
  } = options;
  const { nowMs, days } = lifetime;
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject,
    issuer,
    notBefore: wholeSecond(nowMs - BACKDATED_MS),
    notAfter: wholeSecond(Math.min(nowMs + days * DAY_MS, notAfterMs)),
    publicKey: spkiOf(publicKey),
    signingKey: signingKey.toCryptoKey(SIGNING, false, ['sign']),
    signingAlgorithm: SIGNING,
    extensions,
  });
  return new X509Certificate(Buffer.from(made.rawData));
}

/** 127 random bits: positive, and its first byte is not one that DER leaves out. */
function randomSerial(): string {
  for (;;) {
    const bytes = randomBytes(SERIAL_BYTES);
    bytes[0] = (bytes[0] ?? 0) & 0x7f;
    if (bytes[0] !== 0) return bytes.toString('hex');
  }
}

/** RFC 5280, 4.1.2.5: no fractions. */
function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

function spkiOf(key: KeyObject): Buffer<ArrayBuffer> {
  return Buffer.from(key.export({ type: 'spki', format: 'der' }));
}

export function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
