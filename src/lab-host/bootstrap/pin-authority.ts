// Who the receiver is, before anything is trusted: the authority with the fingerprint that a person brought along, and no other.

import type { X509Certificate } from 'node:crypto';
import { AppError } from '../../lib/app-error.ts';
import { certificateFingerprint } from '../../protocol/est.ts';
import { isAuthority, readAuthorities, writeAuthorities } from '../authorities-file.ts';
import { askAuthorities, type EstOptions } from '../transport/est-client.ts';

/**
 * ca.crt has that authority when this resolves. What it had before stays only if that one is among it: then it was learnt over a connection
 * that is verified. Resolves to false when nothing was to be done. Throws `fingerprint-mismatch`, `no-authority`, or what kept it from being asked.
 */
export async function pinAuthority(
  path: string,
  fingerprint: string,
  est: Omit<EstOptions, 'trust'>,
): Promise<boolean> {
  const kept = await readAuthorities(path).catch(() => []);
  if (kept.some((one) => certificateFingerprint(one) === fingerprint)) return false;
  const answer = await askAuthorities({ ...est, trust: 'nobody yet' });
  if (answer.kind === 'refused')
    throw new AppError('no-authority', `${est.url} tells no authorities: ${answer.detail}`, {
      hint: 'check the address; on the receiver: cis490 ca init --name NAME',
      retryable: true,
    });
  const ours = answer.certificates.find((one) => certificateFingerprint(one) === fingerprint && isAuthority(one));
  if (!ours) throw mismatch(est.url, fingerprint, answer.certificates);
  await writeAuthorities(path, [ours]);
  return true;
}

function mismatch(url: string, wanted: string, told: readonly X509Certificate[]): AppError {
  const found = told.map(certificateFingerprint).join(', ');
  return new AppError(
    'fingerprint-mismatch',
    `${url} is not the receiver with the fingerprint ${wanted}: it tells ${found}`,
    {
      hint: 'the token was not sent. Compare with what the receiver prints: cis490 ca token --host HOST; if that agrees, somebody stands between',
    },
  );
}
