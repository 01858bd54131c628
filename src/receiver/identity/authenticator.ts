// Who is asking. A token decides alone where one is sent; otherwise the client's certificate does; where no credential is
// configured at all, the loopback rule stands in for one.

import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Control } from '../../storage/control.ts';
import type { Enrolments } from '../../storage/enrolments.ts';
import { hasCredential, type ReceiverConfig } from '../receiver-config.ts';
import { type Authentication, known, refused } from './authentication.ts';
import { BearerTokens, type FoundToken } from './bearer-tokens.ts';
import { CertificateAuthenticator } from './certificate-authenticator.ts';
import { readCertificates } from './certificate-authorities.ts';
import { findEnrolmentToken, isBasic } from './enrolment-tokens.ts';
import { isLoopbackAddress } from './loopback.ts';
import { authenticateOnLoopback } from './loopback-rule.ts';
import type { Principal } from './principal.ts';
import { comesFromOwnPage, type Sessions, sessionCookieOf } from './sessions.ts';
import { singleHeader } from './single-header.ts';
import type { TokenRecord } from './tokens-file.ts';
import { TrustedProxies } from './trusted-proxies.ts';

export interface Authenticator {
  /** Throws what the ports Control and Enrolments throw. */
  authenticate(request: IncomingMessage): Promise<Authentication>;
  /** By the client's certificate, whatever else it sends. Throws what Control throws. */
  authenticateCertificate(request: IncomingMessage): Promise<Authentication>;
  /** By the token itself, as somebody types it in to log in. Throws what Control throws. */
  authenticateToken(token: string): Promise<Authentication>;
  /** Whether a credential is needed at all: where none is configured, nobody logs in. */
  readonly needsCredential: boolean;
  /** Whether nobody on the way reads what the client sends: TLS, this machine alone, or a trusted proxy. */
  isConfidential(request: IncomingMessage): boolean;
  /** The client as a log names it: `address:port`, or `address` as a trusted proxy tells it. */
  clientOf(request: IncomingMessage): string;
}

export interface AuthenticatorOptions {
  listen: ReceiverConfig['listen'];
  auth: ReceiverConfig['auth'];
  control: Pick<Control, 'isTokenRevoked' | 'isCertificateRevoked'>;
  enrolments: Pick<Enrolments, 'findToken'>;
  /** Of browsers. Without it no cookie counts. */
  sessions?: Pick<Sessions, 'find'>;
  clock: Clock;
  logger: Logger;
}

export const IN_THE_CLEAR =
  'over plain HTTP it could be read and changed on the way: use https, or a proxy in [listen] trusted_proxies';

/** Throws `bad-tokens-file`, `bad-certificate`. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { listen, auth, control, clock, logger } = options;
  const proxies = new TrustedProxies(listen.trusted_proxies);
  const clientOf = (request: IncomingMessage) => proxies.clientOf(request);
  const isConfidential = (request: IncomingMessage) =>
    request.socket instanceof TLSSocket || isFromThisMachine(request) || proxies.sent(request);
  if (!hasCredential({ listen, auth })) {
    const authenticate = async ({ method = '', headers, socket }: IncomingMessage) =>
      authenticateOnLoopback(method, headers, socket);
    return {
      authenticate,
      authenticateCertificate: async () => noCertificate(),
      authenticateToken: async () => refused('credential-invalid', 'no credential is configured: nobody logs in'),
      needsCredential: false,
      isConfidential,
      clientOf,
    };
  }
  const tokens = new BearerTokens({ fleetTokenSha256: auth.fleet_token_sha256, path: auth.tokens_file, logger });
  const caFile = listen.tls?.client_ca_file;
  const certificates = new CertificateAuthenticator({
    authorities: caFile === undefined ? [] : readCertificates(caFile, '[listen.tls] client_ca_file'),
    proxies,
    headers: listen.proxy_headers,
    control,
    clock,
  });
  const authenticate = async (request: IncomingMessage): Promise<Authentication> => {
    const authorization = singleHeader(request, 'authorization');
    if (authorization.kind === 'several') return refused('bad-request', 'Authorization stands twice in the request');
    // Also an empty one: who means to send a token is told so, and not taken for somebody else.
    if (request.headers.authorization !== undefined) {
      const value = authorization.kind === 'one' ? authorization.value : '';
      if (isBasic(value)) return await authenticateBasic(value, isConfidential(request), options);
      return await authenticateBearer(value, { tokens, control, clock });
    }
    const cookie = sessionCookieOf(request);
    if (cookie !== undefined) {
      const session = await authenticateSession(cookie, request, { tokens, ...options });
      // A browser sends the cookie of a session that has ended, too, and its certificate as before.
      if (session.kind === 'known' || session.code === 'forbidden') return session;
    }
    return (await certificates.authenticate(request)) ?? missing(caFile !== undefined);
  };
  const authenticateToken = (token: string) => judgeToken(tokens.find(token), { control, clock });
  const authenticateCertificate = async (request: IncomingMessage) =>
    (await certificates.authenticate(request)) ?? noCertificate();
  return { authenticate, authenticateCertificate, authenticateToken, needsCredential: true, isConfidential, clientOf };
}

/** A page of somebody else makes a browser send the cookie: that is for reading what the page cannot see, and for nothing else. */
async function authenticateSession(
  cookie: string,
  request: IncomingMessage,
  { sessions, tokens, control, clock }: AuthenticatorOptions & { tokens: BearerTokens },
): Promise<Authentication> {
  const digest = sessions?.find(cookie);
  if (digest === undefined) return refused('credential-invalid', 'the session has ended: log in again');
  const changes = request.method !== 'GET' && request.method !== 'HEAD';
  if (changes && !comesFromOwnPage(request)) return refused('forbidden', 'requests from other web pages are refused');
  return await judgeToken(tokens.findByDigest(Buffer.from(digest, 'hex')), { control, clock });
}

function isFromThisMachine({ socket: { remoteAddress = '' } }: IncomingMessage): boolean {
  return isLoopbackAddress(remoteAddress.replace(/^::ffff:/i, ''));
}

/** A machine that is yet to get its certificate. */
async function authenticateBasic(
  authorization: string,
  isConfidential: boolean,
  { enrolments, clock }: AuthenticatorOptions,
): Promise<Authentication> {
  if (!isConfidential) return refused('forbidden', `an enrolment token is refused: ${IN_THE_CLEAR}`);
  const found = await findEnrolmentToken(authorization, { enrolments, clock });
  if (found.kind === 'refused') return found;
  const { id, hostId, expiresAt } = found.token;
  return known({ role: 'enrolment', hostId, name: `enrolment token ${id}`, expiresAt });
}

async function authenticateBearer(
  authorization: string,
  { tokens, control, clock }: { tokens: BearerTokens } & Pick<AuthenticatorOptions, 'control' | 'clock'>,
): Promise<Authentication> {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) return missing(false);
  return await judgeToken(tokens.find(token), { control, clock });
}

async function judgeToken(
  found: FoundToken | undefined,
  { control, clock }: Pick<AuthenticatorOptions, 'control' | 'clock'>,
): Promise<Authentication> {
  if (!found) return refused('credential-invalid', 'this token is not known here');
  if (found.kind === 'fleet-token') return known({ role: 'fleet', name: 'fleet token' });
  const { record } = found;
  const now = Temporal.Instant.from(clock.wallTime());
  if (record.expires_at !== undefined && Temporal.Instant.compare(now, Temporal.Instant.from(record.expires_at)) >= 0) {
    return refused('credential-invalid', `the token ${record.id} expired at ${record.expires_at}`);
  }
  if (await control.isTokenRevoked(record.id))
    return refused('credential-invalid', `the token ${record.id} was revoked`);
  return known(principalOf(record));
}

function principalOf({ id, role, host, expires_at }: TokenRecord): Principal {
  const name = `token ${id}`;
  const expiry = expires_at !== undefined && { expiresAt: formatWallTime(Temporal.Instant.from(expires_at)) };
  if (role !== 'host') return { role, name, ...expiry };
  // The file's schema admits no host token without its host.
  if (host === undefined) throw new Error(`${name} has no host`);
  return { role, hostId: host, name, ...expiry };
}

function missing(certificatesCount: boolean): Authentication {
  const other = certificatesCount ? ', or a client certificate' : '';
  return refused('credential-missing', `send Authorization: Bearer <token>${other}`);
}

function noCertificate(): Authentication {
  return refused(
    'credential-missing',
    'no client certificate was shown that counts here ([listen.tls] client_ca_file)',
  );
}
