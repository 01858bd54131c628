// What an attempt without an answer means: a tarball that cannot be read is packed anew; a wrong name or a wrong certificate waits for somebody; anything else for time.

import { errnoOf, messageOf } from '../../lib/app-error.ts';
import type { NotStored } from './classify-answer.ts';

const TLS_CODES =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_PURPOSE|INVALID_CA|PATH_LENGTH_EXCEEDED|EPROTO$)/;
// The names of OpenSSL and of Node for what somebody can cure by name; the first that matches.
const TLS_MEANINGS: ReadonlyArray<readonly [pattern: RegExp, code: string]> = [
  [
    /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/,
    'client-certificate-refused',
  ],
  [/^CERT_HAS_EXPIRED$/, 'certificate-expired'],
  [/^CERT_NOT_YET_VALID$/, 'certificate-not-yet-valid'],
  [/ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/, 'certificate-wrong-name'],
  [
    /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA)/,
    'certificate-untrusted',
  ],
];
const NAME_CODES = new Set(['ENOTFOUND', 'EAI_NONAME', 'ERR_INVALID_URL']);

export function classifyNetworkError(error: unknown): NotStored {
  const code = errnoOf(error) ?? 'network-error';
  // Node tells several addresses that all failed in one error without a message.
  const causes = error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)];
  const refused = { status: 0, detail: causes.join('; ') };
  if (code === 'tarball-unreadable') return { kind: 'damaged', ...refused, code };
  if (code === 'credentials-unusable') return { kind: 'held', ...refused, code };
  if (/wrong version number|packet length too long/i.test(refused.detail))
    return { kind: 'held', ...refused, code: 'not-tls' };
  if (TLS_CODES.test(code)) return { kind: 'held', ...refused, code: tlsMeaning(code) };
  if (code.startsWith('HPE_')) return { kind: 'held', ...refused, code: 'not-http' };
  if (NAME_CODES.has(code)) return { kind: 'held', ...refused, code: 'name-not-found' };
  return { kind: 'transient', ...refused, code: code.toLowerCase(), retryAfterS: undefined };
}

function tlsMeaning(code: string): string {
  return TLS_MEANINGS.find(([pattern]) => pattern.test(code))?.[1] ?? 'tls-failed';
}
