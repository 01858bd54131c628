// A small EST server (RFC 7030) over real TLS, with an authority of its own, and every fault that a host must survive.

import { createHash, createPublicKey, verify, webcrypto, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { EST, OLD_CERTIFICATE_HEADER, OLD_KEY_SIGNATURE_HEADER } from '../../src/protocol/est.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export interface EstAuthority {
  name: string;
  keys: webcrypto.CryptoKeyPair;
  certificate: x509.X509Certificate;
}

export async function makeAuthority(name: string, fromDays = -400, untilDays = 400): Promise<EstAuthority> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: CURVE,
    notBefore: daysFromNow(fromDays),
    notAfter: daysFromNow(untilDays),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { name, keys, certificate };
}

export interface Issue {
  hostId: string;
  publicKey: webcrypto.CryptoKey;
  authority: EstAuthority;
  fromMs: number;
  untilMs: number;
}

export async function issue({ hostId, publicKey, authority, fromMs, untilMs }: Issue): Promise<x509.X509Certificate> {
  return await x509.X509CertificateGenerator.create({
    subject: `CN=${hostId}`,
    issuer: authority.certificate.subject,
    publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: CURVE,
    notBefore: new Date(fromMs),
    notAfter: new Date(untilMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
}

export class EstServer {
  url = '';
  readonly authority: EstAuthority;
  /** Who signs from now on. */
  signing: EstAuthority;
  /** What cacerts tells. */
  told: x509.X509Certificate[];
  /** Token → the host that it is for, and the SHA-256 of the key that it is bound to. */
  readonly tokens = new Map<string, { hostId: string; key?: string }>();
  readonly revoked = new Set<string>();
  /** `METHOD path by`, in order. */
  readonly requests: string[] = [];
  /** The certificates handed out, lost answers included. */
  readonly issued: X509Certificate[] = [];
  /** So many of the next answers with a certificate are lost after it was made. */
  answersToLose = 0;
  /** Changes what is issued next. */
  spoil: ((wanted: Issue) => Issue | Promise<Issue>) | undefined;
  /** In place of everything else. */
  answerAll: ((response: ServerResponse) => void) | undefined;
  lifetimeDays = 90;
  /** By how much its clock differs from the true one. */
  clockOffMs = 0;
  readonly #server: Server;

  private constructor(authority: EstAuthority, server: Server) {
    this.authority = authority;
    this.signing = authority;
    this.told = [authority.certificate];
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Date', new Date(this.#nowMs()).toUTCString());
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(authority?: EstAuthority, serverAuthority?: EstAuthority): Promise<EstServer> {
    const ca = authority ?? (await makeAuthority('Lab CA'));
    const signer = serverAuthority ?? ca;
    const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: 'CN=receiver.lab',
      issuer: signer.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: signer.keys.privateKey,
      signingAlgorithm: CURVE,
      notBefore: daysFromNow(-1),
      notAfter: daysFromNow(30),
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    });
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const server = createServer({
      key: `-----BEGIN PRIVATE KEY-----\n${Buffer.from(key).toString('base64')}\n-----END PRIVATE KEY-----\n`,
      cert: certificate.toString('pem'),
      ca: ca.certificate.toString('pem'),
      requestCert: true,
      rejectUnauthorized: false,
    });
    const est = new EstServer(ca, server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    est.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return est;
  }

  /** SHA-256 of the authority's certificate. */
  get fingerprint(): string {
    return createHash('sha256').update(Buffer.from(this.authority.certificate.rawData)).digest('hex');
  }

  addToken(hostId = 'lab-1', token = `token-${this.tokens.size + 1}`): string {
    this.tokens.set(token, { hostId });
    return token;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const client = (request.socket as TLSSocket).getPeerX509Certificate();
    const by = request.headers.authorization ? 'token' : client ? 'certificate' : 'nobody';
    this.requests.push(
      `${request.method} ${path} by ${request.headers[OLD_KEY_SIGNATURE_HEADER.toLowerCase()] ? 'old key' : by}`,
    );
    if (this.answerAll) return this.answerAll(response);
    if (path === EST.cacerts) return send(response, this.told);
    if (path === '/v1/ping') return this.#ping(response, client);
    const csr = new x509.Pkcs10CertificateRequest(body.replace(/\s/g, ''));
    if (!(await csr.verify())) return refuse(response, 400, 'the request is not signed by its key');
    const hostId = path === EST.simpleenroll ? this.#ofToken(request, csr) : this.#ofOld(request, csr, client);
    if (hostId === undefined) return refuse(response, 401, 'not taken');
    await this.#issue(response, hostId, await csr.publicKey.export());
  }

  #ping(response: ServerResponse, client: X509Certificate | undefined): void {
    if (!client || this.revoked.has(client.fingerprint256)) refuse(response, 401, 'not taken');
    else response.setHeader('Content-Type', 'application/json').end('{"ok":true}');
  }

  #ofToken(request: IncomingMessage, csr: x509.Pkcs10CertificateRequest): string | undefined {
    const [, basic = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const token = this.tokens.get(
      Buffer.from(basic, 'base64')
        .toString()
        .replace(/^[^:]*:/, ''),
    );
    const key = createHash('sha256').update(Buffer.from(csr.publicKey.rawData)).digest('hex');
    if (!token || (token.key !== undefined && token.key !== key)) return undefined;
    token.key = key;
    return token.hostId;
  }

  #ofOld(
    request: IncomingMessage,
    csr: x509.Pkcs10CertificateRequest,
    client: X509Certificate | undefined,
  ): string | undefined {
    const header = (name: string) => Buffer.from(`${request.headers[name.toLowerCase()] ?? ''}`, 'base64');
    const raw = header(OLD_CERTIFICATE_HEADER);
    const old = raw.length > 0 ? new X509Certificate(raw) : client;
    if (!old || this.revoked.has(old.fingerprint256)) return undefined;
    if (
      !old.verify(
        createPublicKey({
          key: Buffer.from(this.authority.certificate.publicKey.rawData),
          format: 'der',
          type: 'spki',
        }),
      )
    )
      return undefined;
    const digest = createHash('sha256').update(Buffer.from(csr.rawData)).digest();
    if (raw.length > 0 && !verify('sha256', digest, old.publicKey, header(OLD_KEY_SIGNATURE_HEADER))) return undefined;
    if (raw.length === 0 && old.validToDate.getTime() <= this.#nowMs()) return undefined;
    return /CN=(.+)/.exec(old.subject)?.[1];
  }

  async #issue(response: ServerResponse, hostId: string, publicKey: webcrypto.CryptoKey): Promise<void> {
    const [nowMs, authority] = [this.#nowMs(), this.signing];
    const fromMs = nowMs - 60_000;
    const wanted = { hostId, publicKey, authority, fromMs, untilMs: fromMs + this.lifetimeDays * DAY_MS };
    const certificate = await issue((await this.spoil?.(wanted)) ?? wanted);
    this.issued.push(new X509Certificate(Buffer.from(certificate.rawData)));
    if (this.answersToLose > 0) {
      this.answersToLose -= 1;
      response.destroy();
      return;
    }
    send(response, [certificate]);
  }

  #nowMs(): number {
    return Date.now() + this.clockOffMs;
  }
}

function send(response: ServerResponse, certificates: x509.X509Certificate[]): void {
  const body = new x509.X509Certificates(certificates).export('base64');
  response.writeHead(200, { 'Content-Type': 'application/pkcs7-mime', 'Content-Transfer-Encoding': 'base64' });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' });
  response.end(JSON.stringify({ status, detail, code: status === 401 ? 'credential-invalid' : 'bad-body' }));
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}
