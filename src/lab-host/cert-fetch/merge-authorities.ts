// Which authorities this host trusts from now on: those that it did, and those that it was told of over a connection that they verify.

import type { X509Certificate } from 'node:crypto';
import { certificateFingerprint } from '../../protocol/est.ts';
import { isAuthority } from '../authorities-file.ts';

export interface MergedAuthorities {
  authorities: X509Certificate[];
  added: X509Certificate[];
  expired: X509Certificate[];
}

/** One that has expired goes, never the last. What is told and is no authority that signed itself is passed over. */
export function mergeAuthorities(
  kept: readonly X509Certificate[],
  told: readonly X509Certificate[],
  nowMs: number,
): MergedAuthorities {
  const known = new Set(kept.map(certificateFingerprint));
  const added = told
    .filter((one) => isAuthority(one) && isValidAt(one, nowMs))
    .filter((one) => !known.has(certificateFingerprint(one)) && known.add(certificateFingerprint(one)));
  const all = [...kept, ...added];
  const valid = all.filter((one) => isValidAt(one, nowMs));
  if (valid.length > 0) return { authorities: valid, added, expired: all.filter((one) => !valid.includes(one)) };
  const [last, ...before] = all.toSorted((left, right) => right.validToDate.getTime() - left.validToDate.getTime());
  return { authorities: last ? [last] : [], added, expired: before };
}

/** One of the future counts as valid: it is the end that is final. */
function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return nowMs < certificate.validToDate.getTime();
}
