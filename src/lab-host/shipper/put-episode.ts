// One attempt to put one tarball: streams it, hears an answer whenever it comes, and stops sending when the answer is already there.

import { createReadStream } from 'node:fs';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { AfterStep } from '../../lib/after-step.ts';
import { AppError } from '../../lib/app-error.ts';
import { HEADER } from '../../protocol/headers.ts';
import { episodeTarget } from '../../protocol/ids.ts';
import type { ReceiverAnswer } from './classify-answer.ts';
import type { PackedEpisode } from './pack-episode.ts';
import type { ShipperStep } from './shipper-step.ts';

// Larger bodies ask for leave first: a refusal then costs no transfer.
const EXPECT_ABOVE_BYTES = 1024 * 1024;
// A server that does not know Expect says nothing; after this the body is sent (RFC 9110, 10.1.1; curl waits as long).
const CONTINUE_WAIT_MS = 1_000;
const MAX_ANSWER_BYTES = 256 * 1024;

export interface Transport {
  put(hostId: string, episode: PackedEpisode, stop: AbortSignal): Promise<ReceiverAnswer>;
  close(): void;
}

export interface TransportOptions {
  receiverUrl: string;
  bearerToken: string | undefined;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  concurrency: number;
  afterStep: AfterStep<ShipperStep>;
  /** Bytes of a body as they leave, for progress. */
  onSent: (bytes: number) => void;
}

export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.receiverUrl);
  const isTls = base.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: options.concurrency };
  const agent = isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const open = isTls ? httpsRequest : httpRequest;
  return {
    put(hostId, episode, stop) {
      const request = open(new URL(episodeTarget(hostId, episode.episodeId), base), {
        method: 'PUT',
        agent,
        headers: requestHeaders(episode, options.bearerToken),
        signal: stop,
      });
      return exchange(request, episode, options);
    },
    close: () => agent.destroy(),
  };
}

function requestHeaders(
  { sha256, sizeBytes, stamp }: PackedEpisode,
  bearerToken: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': 'application/zstd',
    'Content-Length': String(sizeBytes),
    [HEADER.sha256]: sha256,
  };
  if (stamp.commit) headers[HEADER.commit] = stamp.commit;
  if (stamp.dirty) headers[HEADER.dirty] = '1';
  if (stamp.schemaVersion) headers[HEADER.schemaVersion] = stamp.schemaVersion;
  if (bearerToken) headers['Authorization'] = `Bearer ${bearerToken}`;
  if (sizeBytes > EXPECT_ABOVE_BYTES) headers['Expect'] = '100-continue';
  return headers;
}

/** Rejects with the connection's error, or `idle-timeout`, `connect-timeout`. */
function exchange(request: ClientRequest, episode: PackedEpisode, options: TransportOptions): Promise<ReceiverAnswer> {
  const { afterStep } = options;
  return new Promise((resolve, reject) => {
    // With its end told, the stream ends with its last byte, and not only when one more read finds nothing.
    const end = Math.max(0, episode.sizeBytes - 1);
    const body = createReadStream(episode.tarballPath, { highWaterMark: 256 * 1024, end });
    let isSending = false;
    let isAnswered = false;
    const fail = (error: unknown) => {
      clearTimeout(connectTimer);
      body.destroy();
      request.destroy();
      reject(error);
    };
    const connectTimer = setTimeout(() => {
      fail(new AppError('connect-timeout', `no connection to ${request.host} within ${options.connectTimeoutMs} ms`));
    }, options.connectTimeoutMs);
    const send = () => {
      if (isSending || isAnswered) return;
      isSending = true;
      afterStep('put-started');
      body.on('data', (chunk) => options.onSent(chunk.length));
      body.on('end', () => afterStep('put-body-sent'));
      body.pipe(request);
    };
    body.on('error', (error) => {
      fail(
        new AppError('tarball-unreadable', `${episode.tarballPath} cannot be read: ${error.message}`, { cause: error }),
      );
    });
    request.on('error', (error) => {
      // Once the answer is being read, a connection that breaks under the rest of the body changes nothing.
      if (!isAnswered) fail(error);
    });
    request.on('socket', (socket) => {
      const connected = () => clearTimeout(connectTimer);
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.setTimeout(options.idleTimeoutMs, () => {
      fail(new AppError('idle-timeout', `the connection moved nothing for ${options.idleTimeoutMs} ms`));
    });
    request.once('continue', send);
    if (request.getHeader('Expect')) {
      request.flushHeaders();
      request.once('socket', (socket) => {
        const wait = () => setTimeout(send, CONTINUE_WAIT_MS).unref();
        if (socket.connecting) socket.once('connect', wait);
        else wait();
      });
    } else send();
    request.once('response', (response) => {
      isAnswered = true;
      clearTimeout(connectTimer);
      body.unpipe(request);
      body.destroy();
      readAnswer(response).then((answer) => {
        // Cut off while sending: the connection cannot carry another request.
        if (!request.writableFinished) request.destroy();
        afterStep('answer-received');
        resolve(answer);
      }, fail);
    });
  });
}

async function readAnswer(response: IncomingMessage): Promise<ReceiverAnswer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) break;
    chunks.push(chunk);
  }
  const retryAfter = Number(response.headers['retry-after']);
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfterS: Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
  };
}
