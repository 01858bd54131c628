// What the tests of identity share: a list of the revoked in memory, a clock that stands still, and a receiver that tells who asks.

import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type Clock, formatWallTime, systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import type { RevokedCertificate, RevokedToken } from '../../storage/control.ts';
import type { EnrolmentToken } from '../../storage/enrolments.ts';
import type { TlsOptions } from '../http/tls-options.ts';
import type { ReceiverConfig } from '../receiver-config.ts';
import type { Authenticator } from './authenticator.ts';

/** The part of the port Control that credentials need. */
export class RevocationsInMemory {
  readonly #tokens = new Map<string, RevokedToken>();
  readonly #certificates: RevokedCertificate[] = [];

  async revokeToken(token: RevokedToken): Promise<void> {
    if (!this.#tokens.has(token.id)) this.#tokens.set(token.id, token);
  }

  async isTokenRevoked(id: string): Promise<boolean> {
    return this.#tokens.has(id);
  }

  async listRevokedTokens(): Promise<RevokedToken[]> {
    return [...this.#tokens.values()];
  }

  async putRevokedCertificate(certificate: RevokedCertificate): Promise<void> {
    this.#certificates.push(certificate);
  }

  async isCertificateRevoked({ serial, fingerprint }: { serial?: string; fingerprint?: string }): Promise<boolean> {
    const same = (one?: string, other?: string) => one !== undefined && one.toLowerCase() === other?.toLowerCase();
    return this.#certificates.some((it) => same(it.serial, serial) || same(it.fingerprint, fingerprint));
  }

  async listRevokedCertificates(): Promise<RevokedCertificate[]> {
    return this.#certificates;
  }
}

/** The part of the port Enrolments that credentials need. */
export class EnrolmentTokensInMemory {
  readonly tokens: EnrolmentToken[] = [];

  async findToken(sha256: string): Promise<EnrolmentToken | undefined> {
    return this.tokens.find((token) => token.sha256 === sha256);
  }
}

export class SettableClock implements Clock {
  now = Temporal.Now.instant();

  wallTime(): string {
    return formatWallTime(this.now);
  }

  add(days: number): void {
    this.now = this.now.add({ hours: days * 24 });
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

export function recordingLogger() {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'debug',
    form: 'plain',
    clock: systemClock,
    write: (line) => void lines.push(line),
  });
  return { logger, lines };
}

export function listenConfig(keys: Partial<ReceiverConfig['listen']> = {}): ReceiverConfig['listen'] {
  return { host: '127.0.0.1', port: 0, trusted_proxies: [], proxy_headers: { certificate: 'Client-Cert' }, ...keys };
}

export interface WhoAmI {
  server: Server;
  port: number;
}

/** A server on 127.0.0.1 that answers with the outcome of `authenticate`, and with the client's address. */
export async function serveWhoAmI(
  t: TestContext,
  authenticator: () => Authenticator,
  tls?: TlsOptions,
): Promise<WhoAmI> {
  const server = tls ? createHttpsServer(tls.options) : createHttpServer();
  server.on('request', async (request, response) => {
    const outcome = await authenticator().authenticate(request);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ ...outcome, client: authenticator().clientOf(request) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}
