// One look after this host's certificate: what is due is done, in an order in which a kill at any step leaves a certificate in force, and a
// lost answer is cured by asking again with the same key.

import type { X509Certificate } from 'node:crypto';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import type { Logger } from '../../lib/logger.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import { readAuthorities, writeAuthorities } from '../authorities-file.ts';
import type { CertState, IdentityLayout } from '../identity-layout.ts';
import {
  askAuthorities,
  type EstAnswer,
  type EstOptions,
  enrolWithToken,
  renew,
  renewAfterExpiry,
} from '../transport/est-client.ts';
import { explainUnreachable } from '../transport/explain-unreachable.ts';
import type { CertFetchStep } from './cert-fetch-step.ts';
import { checkAnswered } from './check-certificate.ts';
import { explainRefusal, type Occasion } from './explain-failure.ts';
import { putPair, removeLeftovers, type StoredPair, settlePair } from './identity-files.ts';
import { makeCsr, signWithOldKey } from './make-csr.ts';
import { mergeAuthorities } from './merge-authorities.ts';
import { dropNextKey, isCertified, takeNextKey } from './next-key.ts';
import { renewalDueMs } from './renewal-due.ts';

const DAY_MS = 86_400_000;

export interface FetchOptions {
  layout: IdentityLayout;
  hostId: string;
  renewAt: number;
  est: Omit<EstOptions, 'trust'>;
  /** What the connection is verified by, in PEM; undefined: the system's authorities. */
  ca: string | undefined;
  /** Of a first enrolment, or of one anew after a revocation. */
  token: Secret | undefined;
  /** Renews what is not due. */
  force: boolean;
  /** What the last look came to. */
  before: CertState | undefined;
  clock: Clock;
  logger: Logger;
  afterStep: AfterStep<CertFetchStep>;
}

export interface Fetched {
  result: 'current' | 'renewed' | 'enrolled';
  certificate: X509Certificate;
  dueMs: number;
  /** False when nobody had to be asked. */
  asked: boolean;
}

export async function fetchCertificate(options: FetchOptions): Promise<Fetched> {
  const { layout, hostId, renewAt, token, clock, afterStep } = options;
  const pair = await settlePair(layout, afterStep);
  // Of a run that was killed right after its switch: only this was missing, and the token of that run is spent.
  const isJustDone = pair !== undefined && (await isCertified(layout, pair.key));
  if (isJustDone) await dropNextKey(layout);
  await removeLeftovers(layout, pair);
  if (!pair) {
    if (!token) throw notEnrolled(hostId, layout);
    const learnt = await learnAuthorities(options, Date.parse(clock.wallTime()));
    return await fetchNew(options, undefined, learnt.authorities, learnt.nowMs);
  }
  const { certificate } = pair;
  const dueMs = renewalDueMs(certificate, hostId, renewAt);
  const isWanted = (token !== undefined || options.force) && !isJustDone;
  const localMs = Date.parse(clock.wallTime());
  const isDue = (nowMs: number) => isWanted || nowMs >= dueMs;
  const isPlausible = localMs >= certificate.validFromDate.getTime();
  if (!isDue(localMs) && isPlausible && !isDayOld(options.before, localMs))
    return { result: 'current', certificate, dueMs, asked: false };
  // From here on by the receiver's clock: this machine's may be the reason why nothing seemed due, or everything.
  const { authorities, nowMs } = await learnAuthorities(options, localMs);
  if (!isDue(nowMs)) return { result: 'current', certificate, dueMs, asked: true };
  return await fetchNew(options, pair, authorities, nowMs);
}

function isDayOld(before: CertState | undefined, nowMs: number): boolean {
  const askedMs = Date.parse(before?.authorities_asked_wall ?? '');
  // Also after the clock was set back, and where it was never asked.
  return !(askedMs <= nowMs && nowMs < askedMs + DAY_MS);
}

async function learnAuthorities(
  options: FetchOptions,
  localMs: number,
): Promise<{ authorities: X509Certificate[]; nowMs: number }> {
  const { layout, logger } = options;
  const kept = await readAuthorities(layout.authorities);
  const answer = await told(options, 'authorities', (est) => askAuthorities(est));
  const nowMs = answer.receiverNowMs ?? localMs;
  const { authorities, added, expired } = mergeAuthorities(kept, answer.certificates, nowMs);
  if (added.length === 0 && expired.length === 0) return { authorities, nowMs };
  await writeAuthorities(layout.authorities, authorities);
  options.afterStep('authorities-written');
  for (const one of added) logger.info({ sha256: certificateFingerprint(one) }, 'an authority is trusted from now on');
  for (const one of expired)
    logger.info({ sha256: certificateFingerprint(one) }, 'an authority has expired and was dropped');
  return { authorities, nowMs };
}

async function fetchNew(
  options: FetchOptions,
  pair: StoredPair | undefined,
  authorities: X509Certificate[],
  nowMs: number,
): Promise<Fetched> {
  const { layout, hostId, renewAt, token, logger, afterStep } = options;
  const next = await takeNextKey(layout, logger);
  if (next.isNew) afterStep('key-written');
  const csr = await makeCsr(next.key, next.publicKey, hostId);
  const answer = await told(options, token ? 'token' : 'renewal', (est) => {
    if (token) return enrolWithToken(est, csr, token);
    if (!pair) throw notEnrolled(hostId, layout);
    if (nowMs < pair.certificate.validToDate.getTime())
      return renew(est, csr, { cert: pair.certPem, key: pair.keyPem });
    logger.warn(
      { expired: pair.certificate.validToDate.toISOString() },
      'the certificate has expired; its key asks for another',
    );
    return renewAfterExpiry(est, csr, { certificate: pair.certificate, signature: signWithOldKey(csr, pair.key) });
  });
  afterStep('answered');
  const wanted = { key: next.key, hostId, authorities, nowMs: answer.receiverNowMs ?? nowMs };
  const [certificate, ...chain] = await checkAnswered(answer.certificates, wanted);
  await putPair(layout, { keyPem: next.pem, certPem: [certificate, ...chain].join('') }, afterStep);
  await dropNextKey(layout);
  afterStep('next-key-removed');
  await removeLeftovers(layout, await settlePair(layout, afterStep));
  afterStep('older-removed');
  return {
    result: token ? 'enrolled' : 'renewed',
    certificate,
    dueMs: renewalDueMs(certificate, hostId, renewAt),
    asked: true,
  };
}

/** Throws what a person can act on. */
async function told(
  options: FetchOptions,
  occasion: Occasion,
  ask: (est: EstOptions) => Promise<EstAnswer>,
): Promise<Extract<EstAnswer, { kind: 'told' }>> {
  const { est, ca, hostId, clock } = options;
  const trust = { ca };
  const answer = await ask({ ...est, trust }).catch(async (error: unknown) => {
    throw await explainUnreachable(error, { url: est.url, trust, hostId, clock, timeoutMs: est.connectTimeoutMs });
  });
  if (answer.kind === 'refused') throw explainRefusal(answer, occasion, hostId);
  return answer;
}

function notEnrolled(hostId: string, { root }: IdentityLayout): AppError {
  return new AppError('not-enrolled', `this host has no certificate: there is none in ${root}`, {
    hint: `on the receiver: cis490 ca token --host ${hostId}; then here: sudo cis490 cert-fetch --token-file FILE`,
  });
}
