// Whether a receiver answers, and whether it could store. Nobody is believed by this look: any certificate will do.

import { access, constants, stat, statfs } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { errnoOf, messageOf } from '../lib/app-error.ts';
import type { Clock } from '../lib/clock.ts';
import { formatSize } from '../lib/format-size.ts';
import { parseJson } from '../lib/parse-json.ts';
import type { ReceiverLook } from './observed.ts';

const LIMIT_MS = 5_000;
const AGAIN_MS = 10_000;
const LONGEST_ANSWER_BYTES = 4_096;

export interface ReceiverPlace {
  /** Undefined when it is not known where it listens. */
  url: string | undefined;
  storeRoot: string;
  minFreeBytes: number;
  /** For the whole look over HTTP. */
  limitMs?: number;
  clock: Pick<Clock, 'sleep'>;
}

export async function lookAtReceiver({
  url,
  storeRoot,
  minFreeBytes,
  limitMs = LIMIT_MS,
  clock,
}: ReceiverPlace): Promise<ReceiverLook> {
  let down = url === undefined ? undefined : await whyDown(url, limitMs);
  if (url !== undefined && down !== undefined) {
    // A restart is no fault.
    await clock.sleep(AGAIN_MS);
    down = await whyDown(url, limitMs);
  }
  if (down !== undefined) return { kind: 'down', detail: `the receiver does not answer at ${url}: ${down}` };
  const full = await whyCannotStore(storeRoot, minFreeBytes);
  if (full !== undefined) return { kind: 'cannot-store', detail: `the receiver cannot store: ${full}` };
  return { kind: 'well' };
}

async function whyDown(url: string, limitMs: number): Promise<string | undefined> {
  try {
    const { status, text } = await get(`${url.replace(/\/+$/, '')}/healthz`, limitMs);
    return status === 200 && isHealth(text) ? undefined : `what answers is no receiver (status ${status})`;
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    return isLate ? `nothing came within ${limitMs / 1000} s` : messageOf(error) || (errnoOf(error) ?? 'no connection');
  }
}

function isHealth(text: string): boolean {
  return (parseJson(text) as { ok?: unknown } | null | undefined)?.ok === true;
}

async function get(address: string, limitMs: number): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(limitMs);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { signal, agent: false, rejectUnauthorized: false };
  const outgoing = address.startsWith('https:') ? requestHttps(address, options) : requestHttp(address, options);
  outgoing.on('response', resolve).on('error', (error) => reject(signal.aborted ? signal.reason : error));
  outgoing.end();
  try {
    const response = await promise;
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.length > LONGEST_ANSWER_BYTES) break;
    }
    return { status: response.statusCode ?? 0, text };
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    outgoing.destroy();
  }
}

async function whyCannotStore(root: string, minFreeBytes: number): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(root);
    const freeBytes = bavail * bsize;
    if (freeBytes < minFreeBytes) {
      return `${root} has ${formatSize(freeBytes)} free and keeps ${formatSize(minFreeBytes)} in reserve`;
    }
    return (await mayBeWritten(root)) ? undefined : `${root} cannot be written`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Asked without writing. Only its owner is a witness for who may write: the receiver runs as that user. */
async function mayBeWritten(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') return false;
    return (await stat(directory)).uid !== process.getuid?.();
  }
}
