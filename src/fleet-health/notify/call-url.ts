// One HTTP request, told by its status alone: 2xx is taken, anything else is not. Redirects are not followed: what is sent may be secret,
// and goes where the configuration says. Errors name scheme, host and port of the URL; the rest of it is often a secret itself.

import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import { inertLine } from '../../lib/inert-text.ts';

const LONGEST_EXCERPT = 200;

export interface UrlCall {
  url: string;
  method: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
  /** Beside what is secret in the URL: they are taken out of what is told of the answer. */
  secrets?: readonly string[];
}

/** Resolves with `200 OK`, as it was answered. Throws `not-delivered`. */
export async function callUrl(call: UrlCall): Promise<string> {
  const { origin } = new URL(call.url);
  try {
    const response = await answerOf(call);
    const status = inertLine(`${response.statusCode ?? 0} ${response.statusMessage ?? ''}`);
    const excerpt = isTaken(response) ? '' : await excerptOf(response);
    response.destroy();
    if (isTaken(response)) return withoutSecrets(status, call);
    const said = excerpt === '' ? '' : `: ${excerpt}`;
    throw new AppError('not-delivered', withoutSecrets(`${origin} answered ${status}${said}`, call), {
      retryable: true,
      ...(isRedirect(response) && { hint: 'redirects are not followed: configure the address that it leads to' }),
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = call.signal.aborted ? messageOf(call.signal.reason) : messageOf(error) || errnoOf(error);
    // Without its cause: what Node keeps in it may have the whole URL.
    throw new AppError('not-delivered', withoutSecrets(`no answer from ${origin}: ${reason}`, call), {
      retryable: true,
    });
  }
}

async function answerOf({ url, method, headers, body, signal }: UrlCall): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // No connection is kept: the run ends after it.
  const options = { method, signal, agent: false, headers: { 'User-Agent': 'cis490', ...headers } };
  const outgoing = url.startsWith('https:') ? requestHttps(url, options) : requestHttp(url, options);
  outgoing.on('response', resolve).on('error', reject);
  outgoing.end(body);
  return await promise;
}

function isTaken({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 300 && statusCode < 400;
}

async function excerptOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length >= LONGEST_EXCERPT) break;
    }
  } catch {
    // What came says enough.
  }
  return inertLine(text.slice(0, LONGEST_EXCERPT));
}

function withoutSecrets(text: string, { url, secrets = [] }: UrlCall): string {
  const { pathname, search, username, password } = new URL(url);
  return [...secrets, `${pathname}${search}`, pathname, username, password]
    .filter((secret) => secret.length > 1)
    .reduce((cleaned, secret) => cleaned.replaceAll(secret, '[redacted]'), text);
}
