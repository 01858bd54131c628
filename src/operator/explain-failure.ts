// Why the receiver could not be asked or would not do it, in words for a person, and the command that looks or cures.

import { AppError, errnoOf, messageOf } from '../lib/app-error.ts';
import { inertLine } from '../lib/inert-text.ts';
import { parseJson } from '../lib/parse-json.ts';
import { receivedProblemSchema } from '../protocol/problem.ts';

const TLS_CODES =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH)/;
const LOOK = 'on its machine: systemctl status cis490-receiver; journalctl -u cis490-receiver -n 50';

/** `hasCa`: authorities were named, so that naming some is not the cure. */
export function explainNetworkError(url: string, error: unknown, hasCa: boolean): AppError {
  const code = errnoOf(error) ?? '';
  const reason = messageOf(error) || code;
  const fail = (name: string, what: string, hint: string) =>
    new AppError(name, `the receiver at ${url} ${what}`, { hint, cause: error, retryable: name === 'receiver-down' });
  if (error instanceof Error && error.name === 'TimeoutError') {
    return fail('receiver-down', 'does not answer: nothing came in time', LOOK);
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return fail(
      'receiver-down',
      'is not found: its name does not resolve',
      'correct --url or CIS490_RECEIVER_URL, or look at the name server: resolvectl status',
    );
  }
  if (/wrong version number|packet length too long/i.test(reason)) {
    return fail(
      'receiver-untrusted',
      'does not speak TLS',
      'say http:// in --url, or configure [listen.tls] on the receiver',
    );
  }
  if (/ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/.test(code)) {
    return fail(
      'receiver-untrusted',
      'wants a client certificate',
      'ask the receiver itself rather than a proxy that demands one: --url',
    );
  }
  if (/ALTNAME_INVALID$|^HOSTNAME_MISMATCH$/.test(code)) {
    return fail(
      'receiver-untrusted',
      `is not the one that its certificate names: ${inertLine(reason)}`,
      'name it in --url as its certificate does',
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return fail(
      'receiver-untrusted',
      `has a certificate that is not valid now: ${reason}`,
      'look at the clock here: timedatectl; else on the receiver: cis490 doctor --role receiver',
    );
  }
  if (TLS_CODES.test(code)) {
    const hint = hasCa
      ? 'name the file of the authority that signed its certificate: --ca-file FILE'
      : 'name the authority that signed its certificate: --ca-file FILE; of another machine: scp RECEIVER:/etc/cis490/ca.crt .';
    return fail('receiver-untrusted', `has a certificate that is not trusted: ${inertLine(reason)}`, hint);
  }
  if (code.startsWith('HPE_')) return noReceiver(url, 'it does not speak HTTP', error);
  if (code === 'ECONNRESET') {
    return fail(
      'receiver-down',
      `ended the connection without an answer (${inertLine(reason)})`,
      `is it https:// that it speaks? Else ${LOOK}`,
    );
  }
  return fail('receiver-down', `does not answer: ${inertLine(reason)}`, LOOK);
}

export interface Refusal {
  url: string;
  status: number;
  text: string;
  role: 'reader' | 'admin';
  listedBy?: string;
}

export function explainRefusal({ url, status, text, role, listedBy }: Refusal): AppError {
  const { code, detail } = problemOf(text);
  const said = inertLine(detail ?? `status ${status}`);
  if (status === 401 || status === 403) {
    const what = status === 401 ? 'wants a credential' : 'does not allow it';
    return new AppError('credential-refused', `the receiver at ${url} ${what}: ${said}`, { hint: makeToken(role) });
  }
  if (code === 'not-found' && listedBy !== undefined) {
    return new AppError('not-found', said, { hint: `see which there are: ${listedBy}` });
  }
  if (!code && status >= 502 && status <= 504) {
    return new AppError('receiver-down', `what answers at ${url} reaches no receiver: status ${status}`, {
      hint: LOOK,
      retryable: true,
    });
  }
  if (!code) return noReceiver(url, `status ${status}`);
  if (status === 404 || status === 405) {
    return new AppError('not-known-there', `the receiver at ${url} does not know this: ${said}`, {
      hint: 'it is older than this program: bring it up to date',
    });
  }
  if (status >= 500) {
    return new AppError('receiver-failed', `the receiver at ${url} cannot answer: ${said} (${inertLine(code)})`, {
      hint: LOOK,
      retryable: true,
    });
  }
  return new AppError('refused', `the receiver refused it: ${said} (${inertLine(code)})`);
}

/** Something else answers. */
export function noReceiver(url: string, why: string, cause?: unknown): AppError {
  return new AppError('no-receiver', `what answers at ${url} is no receiver: ${why}`, {
    hint: 'correct --url or CIS490_RECEIVER_URL',
    ...(cause !== undefined && { cause }),
  });
}

function makeToken(role: 'reader' | 'admin'): string {
  const file = `~/cis490-${role}.token`;
  return `make a token on the receiver: (umask 077; cis490 token create --role ${role} > ${file}); then: --token-file ${file}, or export CIS490_TOKEN_FILE=${file}`;
}

function problemOf(text: string): { code?: string | undefined; detail?: string | undefined } {
  return receivedProblemSchema.safeParse(parseJson(text)).data ?? {};
}
