// One request and its answer: heard whenever it comes, given up when nothing moves, never held against a connection that is slow.

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError } from '../../lib/app-error.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { ReceiverAnswer } from './classify-answer.ts';
import { watchIdle } from './idle-watch.ts';
import { readRetryAfterS } from './retry-after.ts';

const MAX_ANSWER_BYTES = 256 * 1024;

export interface ExchangeLimits {
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  /** For a Retry-After with a date, in an answer that has no Date of its own. */
  clock?: Pick<Clock, 'wallTime'>;
}

/** Beside what it means for an episode: its headers, lower-cased, as Node has them. */
export interface HeardAnswer extends ReceiverAnswer {
  headers: IncomingHttpHeaders;
}

/** What an exchange sends. */
export interface RequestBody {
  /** Sends all of it and ends the request. Rejects when the body itself fails. */
  send(request: ClientRequest): Promise<void>;
  /** No more is wanted: an answer is there, or none will come. */
  stop(): void;
  /** A part of it that left long ago has arrived: slow, and alive. */
  moved(): void;
  /** True while it sends nothing on purpose: that silence is not a dead connection. */
  readonly isHeldBack: boolean;
}

export function textBody(text: string): RequestBody {
  return {
    async send(request) {
      request.end(text);
    },
    stop: () => undefined,
    moved: () => undefined,
    isHeldBack: false,
  };
}

/** Rejects with the connection's error, `idle-timeout`, `connect-timeout`, or the body's own. */
export function exchange(request: ClientRequest, limits: ExchangeLimits, body: RequestBody): Promise<HeardAnswer> {
  const { connectTimeoutMs, idleTimeoutMs, clock = systemClock } = limits;
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const fail = (error: unknown) => {
      clearTimeout(connectTimer);
      unwatch();
      body.stop();
      request.destroy();
      reject(error);
    };
    const unwatch = watchIdle(request, {
      idleMs: idleTimeoutMs,
      isHeldBack: () => body.isHeldBack && !isAnswered,
      onMoved: () => body.moved(),
      onIdle: () => fail(new AppError('idle-timeout', `the connection moved nothing for ${idleTimeoutMs} ms`)),
    });
    // Once the answer is being read, a connection that breaks under the rest of the body changes nothing.
    const failUnanswered = (error: unknown) => {
      if (!isAnswered) fail(error);
    };
    const connectTimer = setTimeout(() => {
      fail(new AppError('connect-timeout', `no connection to ${request.host} within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    request.on('error', failUnanswered);
    request.on('socket', (socket) => {
      const connected = () => clearTimeout(connectTimer);
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.once('response', (response) => {
      isAnswered = true;
      clearTimeout(connectTimer);
      body.stop();
      readAnswer(response, clock).then((answer) => {
        unwatch();
        // Cut off while sending: the connection cannot carry another request.
        if (!request.writableFinished) request.destroy();
        resolve(answer);
      }, fail);
    });
    body.send(request).catch(failUnanswered);
  });
}

async function readAnswer(response: IncomingMessage, clock: Pick<Clock, 'wallTime'>): Promise<HeardAnswer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    contentType: response.headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfterS: readRetryAfterS(response.headers, Date.parse(clock.wallTime())),
  };
}
