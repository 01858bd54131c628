// How long the receiver's own certificate is still valid, and the authorities by which it knows the hosts'.

import type { X509Certificate } from 'node:crypto';
import { formatDuration } from '../../../lib/format-duration.ts';
import { type CheckResult, green, red, worstOf, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { readCertificates, validityOf } from '../../identity/certificate-authorities.ts';
import type { Check } from '../check.ts';

const DAY_MS = 86_400_000;
const RENEWAL_SHARE = 1 / 3;
// Long-lived ones are not told of for years.
const YELLOW_MS = 21 * DAY_MS;
const RED_MS = 3 * DAY_MS;
const RED_SHARE = 1 / 10;

export const certificateExpiryCheck: Check<'certificate-expiry'> = {
  id: 'certificate-expiry',
  timeoutMs: 10_000,
  async run({ config, cures, nowMs }) {
    const { tls } = config.listen;
    const files: [key: string, path: string | undefined][] = [
      ['cert_file', tls?.cert_file],
      ['client_ca_file', tls?.client_ca_file],
    ];
    const results = files.flatMap(([key, path]) => {
      if (path === undefined) return [];
      const cure = [
        `openssl x509 -noout -subject -issuer -dates -in ${shellWord(path)}`,
        cures.editConfig,
        'sudo systemctl reload cis490-receiver',
      ];
      return readCertificates(path, `[listen.tls] ${key}`).map((certificate) => judge(certificate, path, nowMs, cure));
    });
    return results.length === 0 ? green('none configured') : worstOf(results);
  },
};

function judge(certificate: X509Certificate, path: string, nowMs: number, cure: string[]): CheckResult {
  const [fromMs, toMs] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  const name = `${path} (${certificate.subject.replaceAll('\n', ', ')})`;
  const validity = validityOf(certificate, nowMs);
  if (validity === 'expired') return red(`${name} expired at ${new Date(toMs).toISOString()}`, ...cure);
  if (validity === 'not-yet-valid')
    return red(
      `${name} is valid only from ${new Date(fromMs).toISOString()}: is the clock right?`,
      'timedatectl',
      ...cure,
    );
  const leftMs = toMs - nowMs;
  const lifetimeMs = toMs - fromMs;
  const found = `${name} is valid for ${inDays(leftMs)} more`;
  if (leftMs < Math.min(RED_MS, lifetimeMs * RED_SHARE)) return red(found, ...cure);
  return leftMs < Math.min(YELLOW_MS, lifetimeMs * RENEWAL_SHARE) ? yellow(found, ...cure) : green(found);
}

function inDays(ms: number): string {
  return ms < 2 * DAY_MS ? formatDuration(ms / 1000) : `${Math.floor(ms / DAY_MS)} days`;
}
