// How long the receiver's own certificate is still valid, and the authorities by which it knows the hosts'; of those that it made itself,
// the commands that replace them.

import type { X509Certificate } from 'node:crypto';
import { join, sep } from 'node:path';
import { formatDuration } from '../../../lib/format-duration.ts';
import { type CheckResult, green, red, worstOf, yellow } from '../../../lib/self-check/check-result.ts';
import { shellWord } from '../../../lib/shell-word.ts';
import { type AuthoritySet, authorityPaths, readAuthoritySet } from '../../certificates/authority-files.ts';
import { readCertificates, validityOf } from '../../identity/certificate-authorities.ts';
import type { Check } from '../check.ts';
import type { ReceiverContext } from '../receiver-context.ts';

interface Limits {
  yellowMs: number;
  redMs: number;
}

const DAY_MS = 86_400_000;
const RENEWAL_SHARE = 1 / 3;
// Long-lived ones are not told of for years.
const SOON: Limits = { yellowMs: 21 * DAY_MS, redMs: 3 * DAY_MS };
// A new authority is to reach every host before the old one ends, those that are off for months, too.
const LONG_BEFORE: Limits = { yellowMs: 365 * DAY_MS, redMs: 30 * DAY_MS };
const RED_SHARE = 1 / 10;

export const certificateExpiryCheck: Check<'certificate-expiry'> = {
  id: 'certificate-expiry',
  timeoutMs: 10_000,
  async run(context) {
    const { config, cures, nowMs } = context;
    const { tls } = config.listen;
    const own = readAuthoritySet(config.store.root);
    const { directory } = authorityPaths(config.store.root);
    const files: [key: string, path: string | undefined][] = [
      ['cert_file', tls?.cert_file],
      ['client_ca_file', tls?.client_ca_file],
    ];
    const results = files.flatMap(([key, path]) => {
      // What the receiver made itself is looked at below.
      if (path === undefined || (own && path.startsWith(`${directory}${sep}`))) return [];
      const cure = [
        `openssl x509 -noout -subject -issuer -dates -in ${shellWord(path)}`,
        cures.editConfig,
        'sudo systemctl reload cis490-receiver',
      ];
      return readCertificates(path, `[listen.tls] ${key}`).map((certificate) =>
        judge(certificate, path, nowMs, SOON, cure),
      );
    });
    const all = [...results, ...(own ? judgeOwn(own, directory, context) : [])];
    return all.length === 0 ? green('none configured') : worstOf(all);
  },
};

function judgeOwn(
  { current, previous, server }: AuthoritySet,
  directory: string,
  context: ReceiverContext,
): CheckResult[] {
  const { config, cures, nowMs } = context;
  const isShown = config.listen.tls?.cert_file === authorityPaths(config.store.root).serverCertificate;
  const renewal = previous ? 'ca renew-ca --finish' : 'ca renew-ca';
  return [
    judge(current.certificate, join(directory, 'current', 'ca.crt'), nowMs, LONG_BEFORE, [cures.cis490(renewal)]),
    ...(previous
      ? [judge(previous.certificate, join(directory, 'previous', 'ca.crt'), nowMs, SOON, [cures.cis490(renewal)])]
      : []),
    ...(isShown
      ? [judge(server, join(directory, 'server', 'server.crt'), nowMs, SOON, [cures.cis490('ca server-certificate')])]
      : []),
  ];
}

function judge(certificate: X509Certificate, path: string, nowMs: number, limits: Limits, cure: string[]): CheckResult {
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
  if (leftMs < Math.min(limits.redMs, lifetimeMs * RED_SHARE)) return red(found, ...cure);
  return leftMs < Math.min(limits.yellowMs, lifetimeMs * RENEWAL_SHARE) ? yellow(found, ...cure) : green(found);
}

function inDays(ms: number): string {
  return ms < 2 * DAY_MS ? formatDuration(ms / 1000) : `${Math.floor(ms / DAY_MS)} days`;
}
