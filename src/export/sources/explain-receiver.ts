// Why the receiver could not be asked or would not answer, in words for a person; and whether waiting may help.

import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { inertLine } from '../../lib/inert-text.ts';
import { PROBLEMS } from '../../protocol/problem.ts';
import { StalledError } from './receiver-request.ts';

const PASSING_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504, 507]);
const LOOK = 'on its machine: systemctl status cis490-receiver; journalctl -u cis490-receiver -n 50';

export interface Refusal {
  status: number;
  code: string | undefined;
  detail: string | undefined;
}

/** A receiver that restarts, or a link that is down for a while. */
export function isPassing(error: unknown): boolean {
  return error instanceof StalledError || PASSING_ERRORS.has(errnoOf(error) ?? '');
}

/** No proxy in front of a receiver, and no other server, refuses with a code of ours. */
export function isOurs({ code }: Refusal): boolean {
  return code !== undefined && Object.hasOwn(PROBLEMS, code);
}

export function mayPass({ status, code }: Refusal): boolean {
  return PASSING_STATUS.has(status) && code !== 'file-missing';
}

export function explainError(url: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = inertLine(messageOf(error) || (errnoOf(error) ?? 'no answer'));
  if (isPassing(error)) {
    const hint =
      errnoOf(error) === 'ENOTFOUND' ? 'correct --receiver, or look at the name server: resolvectl status' : LOOK;
    return new AppError('receiver-down', `the receiver at ${url} does not answer: ${reason}`, {
      hint: `${hint}; then go on with the same command`,
      retryable: true,
      cause: error,
    });
  }
  if ((errnoOf(error) ?? '').startsWith('HPE_')) return noReceiver(url, 'it does not speak HTTP');
  if (/wrong version number|packet length too long/i.test(reason)) {
    return new AppError('receiver-untrusted', `the receiver at ${url} does not speak TLS`, {
      hint: 'say http:// in --receiver, or configure [listen.tls] on the receiver',
      cause: error,
    });
  }
  return new AppError('receiver-untrusted', `the receiver at ${url} is not trusted: ${reason}`, {
    hint: 'name the authority that signed its certificate: --ca-file FILE; it lies on the receiver: scp RECEIVER:/etc/cis490/ca.crt .',
    cause: error,
  });
}

export function explainRefusal(url: string, { status, code, detail }: Refusal): AppError {
  const said = inertLine(detail ?? `status ${status}`);
  if (status === 401 || status === 403) {
    const what = status === 401 ? 'wants a credential' : 'does not allow it';
    return new AppError('credential-refused', `the receiver at ${url} ${what}: ${said}`, {
      hint: 'make a token on the receiver: (umask 077; cis490 token create --role reader > ~/cis490-reader.token); then: --token-file ~/cis490-reader.token, or export CIS490_TOKEN_FILE=~/cis490-reader.token',
    });
  }
  if (PASSING_STATUS.has(status)) {
    return new AppError('receiver-down', `the receiver at ${url} cannot answer: ${said}`, {
      hint: `${LOOK}; then go on with the same command`,
      retryable: true,
    });
  }
  if (code === undefined) return noReceiver(url, `status ${status}`);
  if (status === 404 || status === 405) {
    return new AppError('not-known-there', `the receiver at ${url} does not know this: ${said}`, {
      hint: 'it is older than this program: bring it up to date',
    });
  }
  return new AppError('refused', `the receiver at ${url} refused it: ${said} (${inertLine(code)})`);
}

/** Something else answers. */
export function noReceiver(url: string, why: string): AppError {
  return new AppError('no-receiver', `what answers at ${url} is no receiver: ${why}`, {
    hint: 'correct --receiver or CIS490_RECEIVER_URL',
  });
}
