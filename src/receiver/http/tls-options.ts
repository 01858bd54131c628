// The receiver's own TLS, from its files: for the start, and for a reload (`server.setSecureContext`), which gives new session
// tickets, too, so that no session made under the files before it is resumed.

import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf } from '../../lib/app-error.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import { badCertificate, readCertificates, validityOf } from '../identity/certificate-authorities.ts';
import type { ReceiverConfig } from '../receiver-config.ts';

export interface TlsOptions {
  /** Certificates of clients are asked for and not required: whether one counts is judged for each request. */
  options: SecureContextOptions & { requestCert: true; rejectUnauthorized: false };
  /** What a maintainer should be told, a sentence each; it works nevertheless, or will. */
  warnings: string[];
}

/** Undefined where HTTP is spoken. `nowMs`: milliseconds since 1970. Throws `bad-certificate`. */
export function tlsOptionsOf(listen: ReceiverConfig['listen'], nowMs: number): TlsOptions | undefined {
  const { cert_file: certFile, key_file: keySecret, client_ca_file: caFile } = listen.tls ?? {};
  if (certFile === undefined || keySecret === undefined) return undefined;
  const chain = readCertificates(certFile, '[listen.tls] cert_file');
  const authorities = caFile === undefined ? [] : readCertificates(caFile, '[listen.tls] client_ca_file');
  const key = readKey(keySecret);
  if (!chain[0]?.checkPrivateKey(key)) {
    throw badCertificate(
      `[listen.tls] key_file is not the key of the first certificate in cert_file, ${certFile}`,
      `compare the two: openssl x509 -in ${certFile} -noout -pubkey; openssl pkey -in KEY_FILE -pubout`,
    );
  }
  const options: TlsOptions['options'] = {
    cert: readFileSync(certFile),
    key: keySecret.reveal(),
    // An empty list rather than none: without one, Node asks for certificates of the public authorities.
    ca: authorities.map((authority) => authority.toString()),
    minVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: false,
  };
  tryOut(options, certFile);
  return {
    options,
    warnings: [
      ...chain.flatMap((certificate) => dateWarning(certificate, `[listen.tls] cert_file, ${certFile}`, nowMs)),
      ...authorities.flatMap((certificate) =>
        dateWarning(certificate, `[listen.tls] client_ca_file, ${caFile}`, nowMs),
      ),
    ],
  };
}

/** OpenSSL has rules of its own, such as the least length of a key: met here, and not once the old ones are gone. */
function tryOut(options: SecureContextOptions, certFile: string): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw badCertificate(
      `[listen.tls] ${certFile} cannot be used: ${messageOf(error)}`,
      `look at its key and signature: openssl x509 -in ${certFile} -noout -text; an RSA key needs 2048 bits or more`,
    );
  }
}

function readKey(secret: Secret): KeyObject {
  try {
    return createPrivateKey(secret.reveal());
  } catch (error) {
    // OpenSSL's words tell what is wrong and quote nothing of the key.
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    throw badCertificate(
      `[listen.tls] key_file holds no private key in PEM without a passphrase: ${reason}`,
      'look at it: openssl pkey -in KEY_FILE -noout -check',
    );
  }
}

function dateWarning(certificate: X509Certificate, where: string, nowMs: number): string[] {
  const validity = validityOf(certificate, nowMs);
  if (validity === 'valid') return [];
  const subject = certificate.subject.replaceAll('\n', ', ');
  return validity === 'expired'
    ? [`${where}: the certificate of ${subject} expired at ${certificate.validToDate.toISOString()}`]
    : [`${where}: the certificate of ${subject} is not valid before ${certificate.validFromDate.toISOString()}`];
}
