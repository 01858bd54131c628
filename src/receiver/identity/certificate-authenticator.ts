// Lab hosts by their certificates: shown in the receiver's own TLS, or passed on by a trusted proxy. The date, the issuer and the
// revocation are looked at for each request, because a connection outlives changes of all three.

import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../lib/clock.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import type { Control } from '../../storage/control.ts';
import { type Authentication, known, refused } from './authentication.ts';
import { type Examined, examineCertificate, type Judgement, judgeCertificate } from './judge-certificate.ts';
import {
  type ProxiedCertificate,
  type ProxyHeaders,
  readDescribedCertificate,
  readWholeCertificate,
} from './proxied-certificate.ts';
import { loadSubjectReader, type ReadSubject } from './subject-name.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

export interface CertificateAuthenticatorOptions {
  /** None: no certificate that comes whole counts. */
  authorities: readonly X509Certificate[];
  proxies: TrustedProxies;
  headers: ProxyHeaders;
  control: Pick<Control, 'isCertificateRevoked'>;
  clock: Clock;
}

/** A certificate as a connection showed it. */
type Shown = Examined & { identifiers: { serial: string; fingerprint: string } };

export class CertificateAuthenticator {
  readonly #options: CertificateAuthenticatorOptions;
  #readSubject: Promise<ReadSubject> | undefined;
  /** Of each connection of the receiver's own TLS: to examine a certificate costs more than a small request. */
  readonly #shown = new WeakMap<TLSSocket, Shown>();

  constructor(options: CertificateAuthenticatorOptions) {
    this.#options = options;
  }

  /** Undefined when the client has shown none. */
  async authenticate(request: IncomingMessage): Promise<Authentication | undefined> {
    // What a proxy shows in its own TLS is its own certificate, and not the client's.
    if (this.#options.proxies.sent(request)) return await this.#proxied(await this.#readHeaders(request));
    if (!(request.socket instanceof TLSSocket)) return undefined;
    const shown = this.#shownIn(request.socket);
    if (!shown) return undefined;
    const judgement = judgeCertificate(shown, this.#nowMs());
    if (judgement.kind === 'good' && !request.socket.authorized) {
      const reason = wordsOf(request.socket.authorizationError);
      return invalid(
        `TLS has not accepted it: ${reason} (openssl verify -purpose sslclient -CAfile CA CERT tells more)`,
      );
    }
    return await this.#unlessRevoked(judgement, shown.identifiers);
  }

  #shownIn(socket: TLSSocket): Shown | undefined {
    const known = this.#shown.get(socket);
    if (known) return known;
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) return undefined;
    const shown = { ...this.#examine(certificate), identifiers: identifiersOf(certificate) };
    this.#shown.set(socket, shown);
    return shown;
  }

  async #readHeaders(request: IncomingMessage): Promise<ProxiedCertificate> {
    const { certificate, subject, san, fingerprint } = this.#options.headers;
    if (subject === undefined || fingerprint === undefined) return readWholeCertificate(request, certificate);
    this.#readSubject ??= loadSubjectReader();
    return readDescribedCertificate(request, { subject, san, fingerprint }, await this.#readSubject);
  }

  async #proxied(shown: ProxiedCertificate): Promise<Authentication | undefined> {
    if (shown.kind === 'none') return undefined;
    if (shown.kind === 'refused') return shown;
    if (shown.kind === 'described')
      return await this.#unlessRevoked(shown.judgement, { fingerprint: shown.fingerprint });
    const judgement = judgeCertificate(this.#examine(shown.certificate), this.#nowMs());
    return await this.#unlessRevoked(judgement, identifiersOf(shown.certificate));
  }

  #examine(certificate: X509Certificate): Examined {
    return examineCertificate(certificate, this.#options.authorities);
  }

  #nowMs(): number {
    return Temporal.Instant.from(this.#options.clock.wallTime()).epochMilliseconds;
  }

  async #unlessRevoked(
    judgement: Judgement,
    identifiers: { serial?: string; fingerprint: string },
  ): Promise<Authentication> {
    if (judgement.kind === 'bad') return invalid(judgement.reason);
    if (await this.#options.control.isCertificateRevoked(identifiers)) return invalid('it was revoked');
    const { hostId } = judgement;
    return known({ role: 'host', hostId, name: `certificate ${hostId}` });
  }
}

/** As the list of the revoked has them: hex digits without colons. */
export function identifiersOf(certificate: X509Certificate): { serial: string; fingerprint: string } {
  return { serial: certificate.serialNumber, fingerprint: certificateFingerprint(certificate) };
}

function invalid(reason: string): Authentication {
  return refused('credential-invalid', `this client certificate does not count: ${reason}`);
}

/** Node's names for what OpenSSL looks at beyond our judgement, such as whole chains; for some it has only `unspecified`. */
function wordsOf(error: Error | string | null | undefined): string {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : (error ?? 'unknown');
  return code.toLowerCase().replaceAll('_', ' ');
}
