// Hands out certificates: the subject comes from the token or the old certificate, the key from the request, and nothing else of it. What
// is issued is on record, durably, before it is answered; whatever is lost after any step is cured by asking again.

import type { X509Certificate } from 'node:crypto';
import { type AfterStep, noStepObserver } from '../../lib/after-step.ts';
import { type Clock, formatWallTime } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import type { Control, RevokedCertificate } from '../../storage/control.ts';
import type { Enrolments, EnrolmentToken } from '../../storage/enrolments.ts';
import { type Refused, refused } from '../identity/authentication.ts';
import { identifiersOf } from '../identity/certificate-authenticator.ts';
import { type AuthoritySet, trustedOf } from './authority-files.ts';
import { findRevocation } from './find-revocation.ts';
import { makeHostCertificate } from './make-certificate.ts';
import { invalid, judgeOldCertificate, type OldCertificate } from './old-certificate.ts';
import type { SigningRequest } from './read-csr.ts';

export type EnrolmentStep = 'token-bound' | 'certificate-recorded';

export type Enrolled = { kind: 'issued'; chain: X509Certificate[] } | Refused;

export interface EnrollerOptions {
  enrolments: Enrolments;
  control: Control;
  clock: Clock;
  logger: Logger;
  afterStep?: AfterStep<EnrolmentStep>;
}

/** Who signs now, and for how long. */
export interface Terms {
  authority: AuthoritySet;
  lifetimeDays: number;
}

export class Enroller {
  readonly #options: EnrollerOptions;
  readonly #afterStep: AfterStep<EnrolmentStep>;

  constructor(options: EnrollerOptions) {
    this.#options = options;
    this.#afterStep = options.afterStep ?? noStepObserver;
  }

  /** `token`: one that counts. Throws what the ports throw, and `not-ready`, as the others do. */
  async enrol(token: EnrolmentToken, csr: SigningRequest, terms: Terms): Promise<Enrolled> {
    const { id, hostId } = token;
    const another = `make another: cis490 ca token --host ${hostId}`;
    const revocation = await this.#revocationOfNewest(hostId);
    if (revocation && !isAfter(token.createdAt, revocation.revokedAt)) {
      return refused(
        'credential-invalid',
        `the enrolment token ${id} is older than the revocation of ${hostId}; ${another}`,
      );
    }
    const bound = await this.#options.enrolments.bindToken(id, csr.keySha256);
    this.#afterStep('token-bound');
    if (bound !== csr.keySha256) {
      return refused('credential-invalid', `the enrolment token ${id} has enrolled another key already; ${another}`);
    }
    return await this.#issue(hostId, csr, terms, `token ${id}`);
  }

  /** `hostId`: whose client certificate counts. */
  async renew(hostId: string, csr: SigningRequest, terms: Terms): Promise<Enrolled> {
    return await this.#issueUnlessRevoked(hostId, csr, terms, 'renewal');
  }

  async renewByOldKey(old: OldCertificate, csr: SigningRequest, terms: Terms): Promise<Enrolled> {
    const authorities = trustedOf(terms.authority).map(({ certificate }) => certificate);
    const judgement = judgeOldCertificate(old, csr.der, authorities);
    if (judgement.kind === 'refused') return judgement;
    if (await this.#options.control.isCertificateRevoked(identifiersOf(old.certificate))) {
      return invalid(`it was revoked; make a token: cis490 ca token --host ${judgement.hostId}`);
    }
    const isExpired = old.certificate.validToDate.getTime() < this.#nowMs();
    return await this.#issueUnlessRevoked(judgement.hostId, csr, terms, isExpired ? 'renewal after expiry' : 'renewal');
  }

  async #issueUnlessRevoked(hostId: string, csr: SigningRequest, terms: Terms, occasion: string): Promise<Enrolled> {
    if (await this.#revocationOfNewest(hostId)) {
      return invalid(`the newest certificate of ${hostId} was revoked; make a token: cis490 ca token --host ${hostId}`);
    }
    return await this.#issue(hostId, csr, terms, occasion);
  }

  async #issue(hostId: string, csr: SigningRequest, terms: Terms, occasion: string): Promise<Enrolled> {
    const { enrolments, clock, logger } = this.#options;
    const { current } = terms.authority;
    const lifetime = { nowMs: this.#nowMs(), days: terms.lifetimeDays };
    const certificate = await makeHostCertificate(hostId, csr.publicKey, current, lifetime);
    const notAfter = wallTimeOf(certificate.validToDate);
    await enrolments.putIssued({
      serial: certificate.serialNumber.toLowerCase(),
      fingerprint: certificateFingerprint(certificate),
      hostId,
      keySha256: csr.keySha256,
      notBefore: wallTimeOf(certificate.validFromDate),
      notAfter,
      issuedAt: clock.wallTime(),
      authority: current.fingerprint,
      occasion,
    });
    this.#afterStep('certificate-recorded');
    logger.info({ host: hostId, serial: certificate.serialNumber, until: notAfter, occasion }, 'certificate issued');
    return { kind: 'issued', chain: [certificate, current.certificate] };
  }

  async #revocationOfNewest(hostId: string): Promise<RevokedCertificate | undefined> {
    const { enrolments, control } = this.#options;
    const [newest] = await enrolments.listIssued(hostId);
    if (!newest || !(await control.isCertificateRevoked(newest))) return undefined;
    return findRevocation(newest, await control.listRevokedCertificates());
  }

  #nowMs(): number {
    return Temporal.Instant.from(this.#options.clock.wallTime()).epochMilliseconds;
  }
}

function isAfter(time: string, other: string): boolean {
  return Temporal.Instant.compare(Temporal.Instant.from(time), Temporal.Instant.from(other)) > 0;
}

function wallTimeOf(date: Date): string {
  return formatWallTime(Temporal.Instant.fromEpochMilliseconds(date.getTime()));
}
