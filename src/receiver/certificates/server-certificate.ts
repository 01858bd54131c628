// The receiver's own certificate: which names it has, who signs it, when it is due, and a new one in its place.

import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import { validityOf } from '../identity/certificate-authorities.ts';
import type { Authority, AuthoritySet, KeyPair } from './authority-files.ts';
import { type Lifetime, makeServerCertificate, pemOf } from './make-certificate.ts';
import { type AuthorityStep, replaceSet } from './write-authority-set.ts';

const RENEWAL_SHARE = 2 / 3;
const MOST_NAMES = 50;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Throws `bad-input`. */
export function checkNames(names: readonly string[]): string[] {
  for (const name of names) {
    if (isIP(name) === 0 && !HOST_NAME.test(name)) {
      throw new AppError('bad-input', `--name: found "${name}"; allowed: a DNS name or an IP address of the receiver`, {
        hint: 'give each by itself, as the hosts write it in their URL: --name receiver.lab --name 192.0.2.7',
      });
    }
  }
  if (names.length > MOST_NAMES) throw new AppError('bad-input', `--name: at most ${MOST_NAMES} names`);
  return [...new Set(names)];
}

/** As its subject alternative names have them. */
export function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => entry.replace(/^(?:DNS|IP Address):/, ''))
    .filter((name) => name !== '');
}

/** During a roll-over the authority before, as long as it is good: some hosts know that one alone. */
function serverSignerOf({ current, previous }: AuthoritySet, nowMs: number): Authority {
  return previous && validityOf(previous.certificate, nowMs) === 'valid' ? previous : current;
}

/** Two thirds of its life are over, and a new one would last longer. */
export function isRenewalDue(set: AuthoritySet, { nowMs, days }: Lifetime): boolean {
  const [fromMs, toMs] = [set.server.validFromDate.getTime(), set.server.validToDate.getTime()];
  if (nowMs < fromMs + (toMs - fromMs) * RENEWAL_SHARE) return false;
  const signerEndsMs = serverSignerOf(set, nowMs).certificate.validToDate.getTime();
  return Math.min(nowMs + days * 86_400_000, signerEndsMs) > toMs;
}

/** A new key and certificate, and all else as it is. The caller holds the lock. Throws `not-ready`. */
export async function putServerCertificate(
  storeRoot: string,
  set: AuthoritySet,
  names: readonly string[],
  lifetime: Lifetime,
  afterStep: AfterStep<AuthorityStep>,
): Promise<void> {
  const server = await makeServerCertificate(names, serverSignerOf(set, lifetime.nowMs), lifetime);
  const { current, previous } = set;
  const kept = { current: pairOf(current), ...(previous && { previous: pairOf(previous) }) };
  await replaceSet(storeRoot, { ...kept, server }, afterStep);
}

export function pairOf({ certificate, key }: Authority): KeyPair {
  return { cert: certificate.toString(), key: pemOf(key) };
}
