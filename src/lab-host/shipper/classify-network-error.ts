// What an attempt without an answer means: a tarball that cannot be read is packed anew; a wrong name or a wrong certificate waits for somebody; anything else for time.

import { errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Verdict } from './classify-answer.ts';

const TLS_CODES =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_PURPOSE|INVALID_CA|PATH_LENGTH_EXCEEDED|EPROTO$)/;
const NAME_CODES = new Set(['ENOTFOUND', 'EAI_NONAME', 'ERR_INVALID_URL']);

export function classifyNetworkError(error: unknown): Verdict {
  const code = errnoOf(error) ?? 'network-error';
  const refused = { status: 0, detail: messageOf(error), remediation: undefined, headCommit: undefined };
  if (code === 'tarball-unreadable') return { kind: 'damaged', ...refused, code };
  if (/wrong version number|packet length too long/i.test(refused.detail))
    return { kind: 'held', ...refused, code: 'not-tls' };
  if (TLS_CODES.test(code)) return { kind: 'held', ...refused, code: 'tls-failed' };
  if (code.startsWith('HPE_')) return { kind: 'held', ...refused, code: 'not-http' };
  if (NAME_CODES.has(code)) return { kind: 'held', ...refused, code: 'name-not-found' };
  return { kind: 'transient', ...refused, code: code.toLowerCase(), retryAfterS: undefined };
}
