// One GET of the receiver, and what came of it: an open answer, a refusal in the receiver's words, or an error of the way there.
// Redirects are not followed: a token goes where it was meant to.

import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Secret } from '../../lib/config/secret-file.ts';
import { parseJson } from '../../lib/parse-json.ts';
import { receivedProblemSchema } from '../../protocol/problem.ts';

const STALL_MS = 60_000;
const MOST_PROBLEM_BYTES = 64 * 1024;

export interface ReceiverAddress {
  /** `http://…` or `https://…`, with or without a path before /v1. */
  url: string;
  token: Secret | undefined;
  /** In PEM, in place of the system's authorities. */
  ca: string | undefined;
}

export type ReceiverAnswer =
  | { kind: 'open'; response: IncomingMessage }
  | { kind: 'refused'; status: number; code: string | undefined; detail: string | undefined; retryAfterS: number };

export interface ReceiverRequest {
  /** From /v1 on. */
  target: string;
  headers?: Record<string, string>;
}

export class ReceiverRequests {
  readonly #address: ReceiverAddress;
  readonly #agent: HttpAgent;

  constructor(address: ReceiverAddress) {
    this.#address = address;
    const { url, ca } = address;
    this.#agent = url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, ...(ca !== undefined && { ca, allowPartialTrustChain: true }) })
      : new HttpAgent({ keepAlive: true });
  }

  /** Throws the system's error. An answer or a body that does not move for a minute is a failure, whatever it is waiting for. */
  async send({ target, headers = {} }: ReceiverRequest, signal: AbortSignal): Promise<ReceiverAnswer> {
    const { url, token } = this.#address;
    const options = {
      signal,
      agent: this.#agent,
      timeout: STALL_MS,
      headers: { ...headers, ...(token !== undefined && { Authorization: `Bearer ${token.reveal()}` }) },
    };
    const address = url.replace(/\/+$/, '') + target;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = address.startsWith('https:') ? requestHttps(address, options) : requestHttp(address, options);
    outgoing.on('timeout', () => outgoing.destroy(new StalledError()));
    outgoing.on('response', resolve).on('error', reject).end();
    const response = await promise;
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { kind: 'open', response };
    const problem = receivedProblemSchema.safeParse(parseJson(await readText(response))).data;
    const retryAfterS = Number(response.headers['retry-after'] ?? 0) || 0;
    return { kind: 'refused', status, code: problem?.code, detail: problem?.detail, retryAfterS };
  }

  close(): void {
    this.#agent.destroy();
  }
}

export class StalledError extends Error {
  constructor() {
    super(`nothing came for ${STALL_MS / 1000} s`);
    this.name = 'StalledError';
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_PROBLEM_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
