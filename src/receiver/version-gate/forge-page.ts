// One page of the forge's list of commits: a time and a size limit, no redirects, and one line on whatever was wrong with it. The
// token goes into the request's header and nowhere else.

import { z } from 'zod';
import { AppError, errnoOf, messageOf } from '../../lib/app-error.ts';
import type { Secret } from '../../lib/config/secret-file.ts';
import { commitSchema } from '../../protocol/commit.ts';

const MOST_BYTES = 8 * 1024 * 1024;
const pageSchema = z.array(z.object({ sha: commitSchema }));

export interface ForgePage {
  commits: string[];
  /** What the forge says of further pages; undefined when it says nothing. */
  hasMore: boolean | undefined;
}

/** Throws `gate-source-failed`. */
export async function fetchForgePage(url: URL, token: Secret | undefined, signal: AbortSignal): Promise<ForgePage> {
  // The runtime would quote a value that no header can carry in its own message.
  if (token && !/^[\x21-\x7e]+$/.test(token.reveal())) {
    throw forgeFailed(url, token, 'not asked: the token in auth_token_file holds characters that no header can carry');
  }
  try {
    const headers = { Accept: 'application/json', ...(token && { Authorization: `token ${token.reveal()}` }) };
    const response = await fetch(url, { headers, redirect: 'manual', signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw forgeFailed(url, token, explainStatus(response));
    }
    const commits = readCommits(await readText(response));
    if (!commits.success) throw forgeFailed(url, token, describeOther(response, commits.isJson));
    return { commits: commits.data, hasMore: readHasMore(response.headers) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw forgeFailed(url, token, explainFailure(error, signal), error);
  }
}

export function forgeFailed(url: URL, token: Secret | undefined, what: string, cause?: unknown): AppError {
  const shown = token ? what.replaceAll(token.reveal(), '[redacted]') : what;
  const header = token ? ' -H "Authorization: token $(cat AUTH_TOKEN_FILE)"' : '';
  return new AppError('gate-source-failed', `${url.href}: ${shown}`, {
    retryable: true,
    hint: `try it as the receiver's user: curl -sSi${header} '${url.href.replaceAll("'", '%27')}'`,
    cause,
  });
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_BYTES) throw new Error('the answer is longer than 8 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

type Read = { success: true; data: string[] } | { success: false; isJson: boolean };

function readCommits(text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { success: false, isJson: false };
  }
  const parsed = pageSchema.safeParse(value);
  return parsed.success ? { success: true, data: parsed.data.map(({ sha }) => sha) } : { success: false, isJson: true };
}

/** Forgejo's own header, else a Link header (RFC 8288) that names a next page or does not. */
function readHasMore(headers: Headers): boolean | undefined {
  const own = headers.get('x-hasmore');
  if (own !== null) return own.trim().toLowerCase() !== 'false';
  const link = headers.get('link');
  return link === null ? undefined : /;\s*rel="?next\b/i.test(link);
}

const STATUS_MEANINGS: Record<number, string> = {
  401: 'the token in auth_token_file is missing or not accepted',
  403: 'the token in auth_token_file may not read the repository',
  404: 'there is no such repository or branch, or the token in auth_token_file may not see it',
};

function explainStatus({ status, statusText, headers }: Response): string {
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null) return `answered ${status}, a redirect to ${place(location)}`;
  const meaning = STATUS_MEANINGS[status];
  return `answered ${[status, statusText].filter(Boolean).join(' ')}${meaning ? `: ${meaning}` : ''}`;
}

/** Without a query, which may hold what is nobody's business. */
function place(location: string): string {
  return location.replace(/[?#].*$/s, '').slice(0, 200);
}

function describeOther(response: Response, isJson: boolean): string {
  const type = response.headers.get('content-type')?.slice(0, 60) ?? 'of no type';
  return isJson ? 'answered JSON that is no list of commits' : `the answer is not JSON (${type})`;
}

function explainFailure(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return messageOf(signal.reason);
  if (!(error instanceof Error) || error.cause === undefined) return messageOf(error);
  const { cause } = error;
  // When several addresses were tried the code alone is told.
  return [errnoOf(cause), messageOf(cause)].filter(Boolean).join(': ') || error.message;
}
