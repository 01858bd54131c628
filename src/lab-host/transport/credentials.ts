// What this host shows to the receiver: a token, a client certificate, the authorities that it trusts. Files that change are read again;
// a change that cannot be used leaves the old ones in force.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { readSecret, type Secret } from '../../lib/config/secret-file.ts';
import type { Logger } from '../../lib/logger.ts';

const LOOK_EVERY_MS = 10_000;

/** One reading of the files: another object each time that they have changed. */
export interface ClientCredentials {
  bearerToken: string | undefined;
  /** In PEM, as node:tls takes them. */
  tls: { ca?: string; cert?: string; key?: string };
}

export interface CredentialSource {
  /** Throws `credentials-unusable` as long as no reading has ever been good. */
  current(): ClientCredentials;
  /** The next call of `current` looks at the files, however recently they were looked at. */
  lookAgain(): void;
}

export function fixedCredentials(
  bearerToken: string | undefined,
  tls: ClientCredentials['tls'] = {},
): CredentialSource {
  const credentials: ClientCredentials = { bearerToken, tls };
  return { current: () => credentials, lookAgain: () => undefined };
}

export interface CredentialFilesOptions {
  /** As it was read with the configuration. One that was written into the configuration itself never changes. */
  bearerToken: Secret | undefined;
  tls: { ca_file?: string | undefined; cert_file?: string | undefined; key_file?: string | undefined } | undefined;
  clock: Clock;
  logger: Logger;
}

export class CredentialFiles implements CredentialSource {
  readonly #options: CredentialFilesOptions;
  readonly #paths: string[];
  #current: ClientCredentials | undefined;
  #failure: AppError | undefined;
  #marks: string | undefined;
  #lookAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: CredentialFilesOptions) {
    this.#options = options;
    const { bearerToken, tls } = options;
    this.#paths = [bearerToken?.path, tls?.ca_file, tls?.cert_file, tls?.key_file].filter((path) => path !== undefined);
  }

  current(): ClientCredentials {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#lookAtMs) {
      this.#lookAtMs = nowMs + LOOK_EVERY_MS;
      this.#look();
    }
    if (this.#current) return this.#current;
    throw this.#failure ?? new AppError('credentials-unusable', 'the credentials were never read');
  }

  lookAgain(): void {
    this.#lookAtMs = Number.NEGATIVE_INFINITY;
  }

  #look(): void {
    // Before they are read: a change in between is seen the next time.
    const marks = this.#paths.map(markOf).join('\n');
    if (marks === this.#marks) return;
    this.#marks = marks;
    const { logger } = this.#options;
    try {
      const read = this.#read();
      if (this.#current) logger.info('the credentials for the receiver have changed and were read again');
      this.#current = read;
      this.#failure = undefined;
    } catch (error) {
      const failure = error instanceof AppError ? error : unusable(messageOf(error), error);
      const isNews = failure.message !== this.#failure?.message;
      this.#failure = failure;
      if (this.#current && isNews) {
        const { hint } = failure;
        logger.error(
          { err: failure, hint },
          'the credentials for the receiver have changed and cannot be used; the old ones stay',
        );
      }
    }
  }

  #read(): ClientCredentials {
    const { bearerToken, tls: files } = this.#options;
    const token = bearerToken?.path === undefined ? bearerToken : secretOf(bearerToken.path);
    if (token) requireSendable(token);
    const tls: ClientCredentials['tls'] = {};
    if (files?.ca_file !== undefined) tls.ca = certificateOf(files.ca_file);
    if (files?.cert_file !== undefined && files.key_file !== undefined) {
      const [certFile, keyFile] = inOneDirectory(files.cert_file, files.key_file);
      tls.cert = certificateOf(certFile);
      tls.key = secretOf(keyFile).reveal();
      requirePair(tls.cert, tls.key, certFile, keyFile);
    }
    createSecureContext(tls);
    return { bearerToken: token?.reveal(), tls };
  }
}

/** A renewal switches the directory by one link: where it leads is asked once for both, so that they are of one side of the switch. */
function inOneDirectory(certFile: string, keyFile: string): [string, string] {
  const directory = dirname(certFile);
  if (directory !== dirname(keyFile)) return [certFile, keyFile];
  let resolved: string;
  try {
    resolved = realpathSync(directory);
  } catch {
    // The files themselves then say what is wrong.
    return [certFile, keyFile];
  }
  return [join(resolved, basename(certFile)), join(resolved, basename(keyFile))];
}

function markOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return `${errnoOf(error)}`;
  }
}

function secretOf(path: string): Secret {
  requireThere(path);
  const read = readSecret(path);
  if ('secret' in read) return read.secret;
  throw unusable(`found ${read.found}`, undefined, read.allowed);
}

/** A header carries visible ASCII; a token has nothing else (RFC 6750, 2.1). */
function requireSendable(token: Secret): void {
  if (/^[\x21-\x7e]+$/.test(token.reveal())) return;
  throw unusable(
    `${token.path ?? 'the bearer token'} holds more than a token: no spaces, line breaks or letters beyond ASCII may be in it`,
  );
}

/** The reader of secrets hides a path that leads nowhere: it may be a secret in the wrong place. These are known to be paths. */
function requireThere(path: string): void {
  try {
    statSync(path);
  } catch (error) {
    throw unusable(`${path} cannot be read: ${messageOf(error)}`, error);
  }
}

function certificateOf(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw unusable(`${path} cannot be read as a certificate in PEM: ${messageOf(error)}`, error);
  }
}

function requirePair(cert: string, key: string, certPath: string, keyPath: string): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw unusable(`${keyPath} cannot be read as a private key in PEM: ${messageOf(error)}`, error);
  }
  if (!isPair) throw unusable(`${keyPath} is not the key of the certificate in ${certPath}`);
}

function unusable(message: string, cause?: unknown, hint?: string): AppError {
  return new AppError('credentials-unusable', message, {
    hint: hint ?? 'check the files named in [receiver] of the lab host configuration',
    cause,
  });
}
