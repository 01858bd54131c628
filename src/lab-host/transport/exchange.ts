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

/** The whole answer. Rejects as `openAnswer` does, also for what ends the answer too early. */
export async function exchange(
  request: ClientRequest,
  limits: ExchangeLimits,
  body: RequestBody,
): Promise<HeardAnswer> {
  return await readAnswer(await openAnswer(request, limits, body), limits.clock ?? systemClock);
}

/**
 * The answer as soon as it begins: whoever asks reads it to its end or destroys it. Rejects with the connection's error, `idle-timeout`,
 * `connect-timeout`, `connection-closed`, or the body's own; an answer in which nothing moves ends with `idle-timeout`.
 */
export function openAnswer(
  request: ClientRequest,
  { connectTimeoutMs, idleTimeoutMs }: ExchangeLimits,
  body: RequestBody,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const fail = (error: unknown) => {
      clearTimeout(connectTimer);
      unwatch();
      body.stop();
      request.destroy();
      reject(error);
    };
    // Once the answer is being read, a connection that breaks under the rest of the body changes nothing.
    const failUnanswered = (error: unknown) => {
      if (!answer) fail(error);
    };
    const unwatch = watchIdle(request, {
      idleMs: idleTimeoutMs,
      // Of an answer: what is here already waits for its reader.
      isHeldBack: () => (answer ? answer.readableLength > 0 : body.isHeldBack),
      onMoved: () => body.moved(),
      onIdle: () => {
        const idle = new AppError('idle-timeout', `the connection moved nothing for ${idleTimeoutMs} ms`, {
          retryable: true,
        });
        answer?.destroy(idle);
        failUnanswered(idle);
      },
    });
    const connectTimer = setTimeout(() => {
      const message = `no connection to ${request.host} within ${connectTimeoutMs} ms`;
      fail(new AppError('connect-timeout', message, { retryable: true }));
    }, connectTimeoutMs);
    request.on('error', failUnanswered);
    // It can end without an error, too: after 101, which nobody has asked for.
    request.once('close', () => failUnanswered(new AppError('connection-closed', 'it was closed without an answer')));
    request.on('socket', (socket) => {
      const connected = () => clearTimeout(connectTimer);
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.once('response', (response) => {
      answer = response;
      clearTimeout(connectTimer);
      body.stop();
      response.once('close', () => {
        unwatch();
        // Cut off while sending: the connection cannot carry another request.
        if (!request.writableFinished) request.destroy();
      });
      resolve(response);
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
