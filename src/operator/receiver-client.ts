// One request to the receiver and its answer, with a limit on its time and size. Redirects are not followed: a token goes where it was meant to.

import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Secret } from '../lib/config/secret-file.ts';
import { parseJson } from '../lib/parse-json.ts';
import { explainNetworkError, explainRefusal, noReceiver } from './explain-failure.ts';

const LIMIT_MS = 30_000;
const MOST_BYTES = 256 * 1024 * 1024;

export interface ReceiverAddress {
  /** `http://…` or `https://…`, with or without a path before /v1. */
  url: string;
  token: Secret | undefined;
  /** In PEM, in place of the system's authorities. */
  ca: string | undefined;
  /** The receiver's own certificate as this machine has it, in DER: then whatever name it was reached by is right. */
  ownCertificate: Buffer | undefined;
}

export interface Call<Schema extends z.ZodType> {
  method?: 'GET' | 'POST' | 'DELETE';
  /** From /v1 on, with its query. */
  target: string;
  body?: Record<string, unknown>;
  schema: Schema;
  /** What a credential needs for it. */
  role: 'reader' | 'admin';
  /** The command that lists what the target names one of. */
  listedBy?: string;
  stop?: AbortSignal | undefined;
}

export interface Answer<Value> {
  value: Value;
  /** As it came. */
  json: string;
  /** By the receiver's clock, as far as it tells it: ages must not depend on how wrong the clock is here. */
  nowMs: number;
}

export class ReceiverClient {
  readonly #address: ReceiverAddress;
  readonly #clock: Clock;

  constructor(address: ReceiverAddress, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  get url(): string {
    return this.#address.url;
  }

  /** Throws an AppError that says what to run next. */
  async call<Schema extends z.ZodType>(call: Call<Schema>): Promise<Answer<z.output<Schema>>> {
    const { response, text } = await this.#exchange(call);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw explainRefusal({ url: this.url, status, text, ...call });
    const parsed = call.schema.safeParse(parseJson(text));
    if (!parsed.success) throw noReceiver(this.url, 'its answer is of another form');
    const { date } = response.headers;
    const ownMs = Date.parse(this.#clock.wallTime());
    const toldMs = date === undefined ? Number.NaN : Date.parse(date);
    return { value: parsed.data, json: text, nowMs: Number.isNaN(toldMs) ? ownMs : toldMs };
  }

  async #exchange({ method = 'GET', target, body, stop }: Call<z.ZodType>) {
    const { url, token, ca, ownCertificate } = this.#address;
    const content = body === undefined ? undefined : JSON.stringify(body);
    const limit = AbortSignal.timeout(LIMIT_MS);
    const options = {
      method,
      signal: stop === undefined ? limit : AbortSignal.any([limit, stop]),
      agent: false,
      headers: {
        Accept: 'application/json',
        ...(token !== undefined && { Authorization: `Bearer ${token.reveal()}` }),
        ...(content !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(content),
        }),
      },
      ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
      ...(ownCertificate !== undefined && { checkServerIdentity: sameCertificate(ownCertificate) }),
    };
    const address = url.replace(/\/+$/, '') + target;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = address.startsWith('https:') ? requestHttps(address, options) : requestHttp(address, options);
    outgoing.on('response', resolve).on('error', reject).end(content);
    try {
      const response = await promise;
      return { response, text: await readText(response) };
    } catch (error) {
      throw explainNetworkError(url, limit.aborted ? limit.reason : error, ca !== undefined);
    } finally {
      outgoing.destroy();
    }
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_BYTES) throw new Error('its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** A receiver that is reached as localhost need not have that name in its certificate. */
function sameCertificate(own: Buffer) {
  return (host: string, peer: PeerCertificate) => (own.equals(peer.raw) ? undefined : checkServerIdentity(host, peer));
}
